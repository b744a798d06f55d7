-- The outcomes scorecard, by area and by the month in which an outcome was first measured.
with counted as (
    select
        outcomes.outcome_framework,
        outcomes.outcome_number,
        coalesce(names.outcome_name, outcomes.outcome_framework || ' ' || outcomes.outcome_number) as outcome_name,
        outcomes.authority_code,
        coalesce(areas.area_code, 'unknown') as area_code,
        coalesce(areas.area_name, 'unknown') as area_name,
        outcomes.began_month as month_starts_on,
        count(*) as followed,
        count(outcomes.baseline) as with_baseline,
        count(*) filter (outcomes.change <> 'not measured twice') as measured_twice,
        count(*) filter (outcomes.change = 'better') as better,
        count(*) filter (outcomes.change = 'same') as same,
        count(*) filter (outcomes.change = 'worse') as worse,
        avg(outcomes.latest - outcomes.baseline) as mean_distance,
        count(outcomes.is_sustained) as measured_after_closure,
        count(*) filter (outcomes.is_sustained) as sustained
    from {{ ref('fct_outcomes') }} as outcomes
    {{ of_covered_months('outcomes', 'outcomes', 'outcomes.began_month', 'outcomes.event_source') }}
    left join {{ ref('outcomes') }} as names using (outcome_framework, outcome_number)
    left join {{ ref('dim_area') }} as areas using (authority_code, lsoa_code)
    group by all
)

select
    *,
    100 * better / nullif(measured_twice, 0) as better_percent,
    100 * {{ wilson('better', 'nullif(measured_twice, 0)', '-') }} as better_lower,
    100 * {{ wilson('better', 'nullif(measured_twice, 0)', '+') }} as better_upper,
    100 * sustained / nullif(measured_after_closure, 0) as sustained_percent
from counted
