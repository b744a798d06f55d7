-- How often each rule raises alerts, how soon people acknowledge the alerts, and with which reasons people close them.
with alerts as (
    select *
    from {{ ref('fct_alerts') }}
    where is_streamed and not coalesce(is_backfill, false)
),

-- The days for which a version of a rule is observed. They begin with the first alert of any rule, or with the first
-- day of the version if that is later. They end with the last day of the version, or now if it still applies.
watched as (
    select
        rules.rule,
        rules.version as rule_version,
        if(
            began.raised_on is null, null, greatest(began.raised_on, {{ local_date('rules.applies_from') }})
        ) as from_day,
        {{ local_date('least(' ~ as_of() ~ ', rules.applies_until - interval 1 microsecond)') }} as until_day
    from {{ ref('stg_rules') }} as rules
    cross join (select min({{ local_date('first_raised_at') }}) as raised_on from alerts) as began
),

counted as (
    select
        rule,
        rule_version,
        count(*) as alerts,
        count(*) filter (streamed_status = 'open') as open,
        count(acknowledged_at) as acknowledged,
        count(alert_closure) as closed,
        count(*) filter (alert_closure = 'acted_on') as acted_on,
        count(*) filter (alert_closure = 'already_known') as already_known,
        count(*) filter (alert_closure = 'not_useful') as not_useful,
        count(*) filter (alert_closure = 'wrong_family') as wrong_family,
        median(minutes_to_acknowledge) as median_minutes_to_acknowledge,
        quantile_cont(minutes_to_acknowledge, 0.9) as p90_minutes_to_acknowledge
    from alerts
    group by rule, rule_version
)

select
    watched.rule,
    watched.rule_version,
    coalesce(counted.alerts, 0) as alerts,
    coalesce(counted.open, 0) as open,
    coalesce(counted.acknowledged, 0) as acknowledged,
    coalesce(counted.closed, 0) as closed,
    coalesce(counted.acted_on, 0) as acted_on,
    coalesce(counted.already_known, 0) as already_known,
    coalesce(counted.not_useful, 0) as not_useful,
    coalesce(counted.wrong_family, 0) as wrong_family,
    counted.acted_on / nullif(counted.acted_on + counted.not_useful + counted.wrong_family, 0) as precision,
    counted.median_minutes_to_acknowledge,
    counted.p90_minutes_to_acknowledge,
    coalesce(counted.alerts, 0)
        / nullif(greatest(date_diff('day', watched.from_day, watched.until_day) + 1, 0), 0) as alerts_per_day
from watched
left join counted using (rule, rule_version)
