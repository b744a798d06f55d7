-- Of the families stepped down or closed in a month, how many were back within 3, 6 and 12 months.
with stepped_down as (
    select
        'stepped_down' as cohort,
        family_id,
        authority_code,
        lsoa_code,
        event_order,
        changed_at as left_at
    from {{ ref('fct_level_changes') }}
    where direction = 'down'
),

closings as (
    select family_id, from_order, from_at
    from {{ ref('int_family_status') }}
    window families as (order by family_id, from_order)
    qualify not is_open and {{ before('is_open', 'family_id', 'families', 'false') }}
),

-- Died, or transferred to another authority: nobody to come back.
closed as (
    select
        'closed' as cohort,
        closings.family_id,
        events.authority_code,
        coalesce(places.lsoa_code, 'unknown') as lsoa_code,
        closings.from_order as event_order,
        closings.from_at as left_at
    from closings
    inner join {{ ref('stg_events') }} as events on events.event_order = closings.from_order
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = closings.family_id and places.from_order <= closings.from_order
    where events.closure_reason not in ('RC2', 'RC5')
),

-- A family counts once in a cohort of a month: from its last step of that month.
cohorts as (
    select
        *,
        cast(date_trunc('month', {{ local_date('left_at') }}) as date) as cohort_month
    from (select * from stepped_down union all select * from closed)
    qualify row_number() over (partition by cohort, family_id, cohort_month order by event_order desc) = 1
),

returns as (
    select family_id, event_order, changed_at as back_at
    from {{ ref('fct_level_changes') }}
    where direction = 'up'
    union all
    select family_id, event_order, submitted_at
    from {{ ref('int_referrals') }}
),

followed as (
    select
        cohorts.cohort,
        cohorts.family_id,
        cohorts.authority_code,
        cohorts.lsoa_code,
        cohorts.cohort_month,
        cohorts.left_at,
        min(returns.back_at) as back_at
    from cohorts
    left join returns
        on returns.family_id = cohorts.family_id and returns.event_order > cohorts.event_order
    group by all
),

windowed as (
    select
        followed.*,
        months.months as within_months,
        {{ utc_time(local_time('followed.left_at') ~ ' + to_months(months.months)') }} as window_ends_at
    from followed
    cross join (values (3), (6), (12)) as months (months)
),

counted as (
    select
        windowed.cohort,
        windowed.authority_code,
        coalesce(areas.area_code, 'unknown') as area_code,
        coalesce(areas.area_name, 'unknown') as area_name,
        windowed.cohort_month,
        windowed.within_months,
        count(*) as families,
        count(*) filter (windowed.back_at <= windowed.window_ends_at) as back,
        bool_and(windowed.window_ends_at < {{ as_of() }}) as is_complete
    from windowed
    left join {{ ref('dim_area') }} as areas using (authority_code, lsoa_code)
    group by all
)

select
    *,
    100 * back / families as back_percent,
    100 * {{ wilson('back', 'families', '-') }} as back_lower,
    100 * {{ wilson('back', 'families', '+') }} as back_upper
from counted
