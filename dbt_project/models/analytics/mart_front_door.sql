{%- set breakdowns = {
    'all': "'all'", 'gateway': 'gateway', 'source': 'source_group', 'severity': 'severity',
    'hour': "lpad(started_hour::varchar, 2, '0')", 'weekday': 'started_weekday::varchar',
    'hours': "if(is_in_hours, 'in hours', 'out of hours')",
} -%}
-- How many clocks of referrals are stopped in time, by the month in which they started: all together, and by one
-- breakdown at a time.
with clocks as (
    select facts.*
    from {{ ref('fct_clocks') }} as facts
    {{ of_covered_months('clocks', 'facts', local_date('facts.started_at'), 'facts.event_source') }}
),

broken_down as (
    {%- for breakdown, expression in breakdowns.items() %}
    select *, '{{ breakdown }}' as breakdown, {{ expression }} as group_name from clocks
    {%- if not loop.last %} union all {% endif %}
    {%- endfor %}
),

counted as (
    select
        authority_code,
        clock,
        started_month as month_starts_on,
        breakdown,
        group_name,
        count(*) as started,
        count(*) filter (state = 'met') as met,
        count(*) filter (state = 'missed') as missed,
        count(*) filter (state = 'open') as open,
        count(*) filter (state = 'due') as due,
        count(*) filter (state = 'breached') as breached,
        count(*) filter (state = 'impossible') as impossible,
        count(*) filter (state in ('open', 'due') and limit_at < {{ as_of() }} + interval 4 hour) as breach_within_4_hours,
        count(*) filter (state in ('open', 'due') and limit_at < {{ as_of() }} + interval 24 hour)
            as breach_within_24_hours,
        min(limit_at) filter (state in ('open', 'due')) as next_limit_at,
        median(hours) as median_hours,
        quantile_cont(hours, 0.9) as p90_hours,
        count(hours_to_feedback) as told,
        median(hours_to_feedback) as median_hours_to_feedback,
        count(stopped_at) filter (state <> 'impossible') as stopped,
        -- The share in time counts only clocks that were stopped or whose time limit has passed. Nobody knows yet
        -- whether a clock that is still running will be stopped in time.
        count(*) filter (state in ('met', 'missed', 'breached')) as judged
    from broken_down
    group by all
)

select
    * exclude (judged),
    100 * met / nullif(judged, 0) as met_percent,
    100 * {{ wilson('met', 'nullif(judged, 0)', '-') }} as met_lower,
    100 * {{ wilson('met', 'nullif(judged, 0)', '+') }} as met_upper,
    if(clock = 'front_door', 100 * told / nullif(stopped, 0), null) as told_percent
from counted
