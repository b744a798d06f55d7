-- Nobody acknowledged a red alert within 60 minutes after its first red version was published, so the manager is
-- notified. The rule is about alerts and not about events. So only the build evaluates the rule, from the alerts that
-- have landed.
with versions as (
    select *
    from ({{ up_to_the_cut(source('landing', 'alerts'), [
        'test', 'backfill', 'alert_id', 'version', 'rule', 'family_id', 'profile_version', 'raised_at',
        'severity', 'status', 'acknowledged_at',
    ]) }})
    where not test and not backfill and rule <> 'alert_unacknowledged'
),

reds as (
    select
        alert_id,
        family_id,
        rule,
        profile_version,
        raised_at,
        {'time': raised_at, 'source': '/caf/watch', 'id': alert_id || '/' || version, 'type': 'uk.caf.escalation.alert.v1'}
        as evidence
    from versions
    where severity = 'red' and status = 'open' and acknowledged_at is null
    qualify row_number() over (partition by alert_id order by version) = 1
),

-- If somebody acknowledged the alert, or if the alert ended, nobody has to be notified.
answered as (
    select
        reds.*,
        min(versions.raised_at) as answered_at
    from reds
    left join versions
        on versions.alert_id = reds.alert_id
        and versions.raised_at >= reds.raised_at
        and (versions.acknowledged_at is not null or versions.status <> 'open')
    group by all
),

-- The practice profile with which the alert was raised gives the limit. If that profile no longer exists, the default
-- profile gives it.
minutes as (
    select
        profile_version,
        min(profile_id) as profile_id,
        min(unacknowledged_minutes) as minutes
    from {{ ref('stg_practice_profiles') }}
    group by profile_version
),

judged as (
    select
        answered.*,
        coalesce(own.profile_id, defaults.profile_id) as profile_id,
        coalesce(own.minutes, defaults.unacknowledged_minutes) as limit_minutes,
        answered.raised_at + to_minutes(limit_minutes) as limit_at
    from answered
    inner join {{ ref('stg_practice_profiles') }} as defaults
        on defaults.authority_code = '*'
        and answered.raised_at >= defaults.applies_from
        and coalesce(answered.raised_at < defaults.applies_until, true)
    left join minutes as own on own.profile_version = answered.profile_version
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        family_id,
        alert_id as entity_id,
        'Nobody acknowledged red alert ' || alert_id || ' (' || rule || ') within ' || limit_minutes
        || ' minutes.' as reason,
        [evidence] as evidence,
        evidence as anchor,
        limit_at as anchored_at,
        limit_at as deadline,
        answered_at as cleared_at,
        profile_id,
        false as is_backfill
    from judged
    where {{ has_run_out('limit_at', 'answered_at') }}
)

{{ alert_envelope('alert_unacknowledged', 'found') }}
