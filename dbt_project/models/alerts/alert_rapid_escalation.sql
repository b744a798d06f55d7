-- The level of need is two or more above the lowest level that the family had in the 30 days before.
with changes as (
    select
        statuses.family_id,
        statuses.level,
        statuses.from_order,
        statuses.from_at,
        statuses.evidence,
        statuses.profile_id,
        statuses.is_backfill,
        {{ before('statuses.level', 'statuses.family_id', 'families') }} as level_before,
        {{ after('statuses.from_at', 'statuses.family_id', 'families') }} as until_at,
        statuses.from_at - to_days(profiles.rapid_escalation_days) as window_from,
        profiles.rapid_escalation_days,
        profiles.rapid_escalation_levels
    from {{ ref('int_family_status') }} as statuses
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    where statuses.fact = 'level-changed'
    window families as (order by statuses.family_id, statuses.from_order)
),

-- The levels of the last 30 days: those that were set in this time, and the one that was in force when it began.
lowest as (
    select
        changes.from_order,
        min(held.level) as lowest_level,
        arg_max(held.evidence, (-held.level, held.from_order)) as lowest_evidence
    from changes
    inner join changes as held
        on held.family_id = changes.family_id
        and held.from_order < changes.from_order
        and (held.from_at >= changes.window_from or held.until_at > changes.window_from)
    group by changes.from_order
),

-- Only changes that make the rule true: with the level before the change, the rule was not true.
risen as (
    select
        changes.*,
        lowest.lowest_level,
        lowest.lowest_evidence
    from changes
    inner join lowest using (from_order)
    where
        changes.level - lowest.lowest_level >= changes.rapid_escalation_levels
        and changes.level_before - lowest.lowest_level < changes.rapid_escalation_levels
),

fallen as (
    select
        risen.from_order,
        min(later.from_at) as fallen_at
    from risen
    inner join changes as later
        on later.family_id = risen.family_id
        and later.from_order > risen.from_order
        and later.level - risen.lowest_level < risen.rapid_escalation_levels
    group by risen.from_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        risen.family_id,
        risen.family_id as entity_id,
        'The level of need of family ' || risen.family_id || ' rose from ' || risen.lowest_level || ' to '
        || risen.level || ' within ' || risen.rapid_escalation_days || ' days.' as reason,
        [risen.evidence, risen.lowest_evidence] as evidence,
        risen.evidence as anchor,
        risen.from_at as anchored_at,
        cast(null as timestamp) as deadline,
        fallen.fallen_at as cleared_at,
        risen.profile_id,
        risen.is_backfill
    from risen
    left join fallen using (from_order)
)

{{ alert_envelope('rapid_escalation', 'found') }}
