-- How many of the families that were stepped down or closed in a month came back within 3, 6 and 12 months.
with stepped_down as (
    select
        'stepped_down' as cohort,
        family_id,
        authority_code,
        lsoa_code,
        event_order,
        changed_at as left_at
    from {{ ref('fct_level_changes') }} as facts
    {{ of_covered_months('levels', 'facts', local_date('facts.changed_at'), 'facts.event_source') }}
    where direction = 'down'
),

closings as (
    select family_id, from_order, from_at
    from {{ ref('int_family_status') }}
    window families as (order by family_id, from_order)
    qualify not is_open and {{ before('is_open', 'family_id', 'families', 'false') }}
),

-- A closure because of a death or a move to another authority is left out, because the family cannot come back.
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
    {{ of_covered_months('levels', 'events', local_date('closings.from_at'), 'events.root_source') }}
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = closings.family_id and places.from_order <= closings.from_order
    where events.closure_reason not in ('RC2', 'RC5')
),

-- A family counts once in the cohort of a month. Its window begins with its last step-down or closure in that month.
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
),

-- If the window is not covered, nobody knows whether a family came back, so there is no figure.
windows as (
    select distinct
        authority_code,
        cohort_month,
        within_months,
        least(
            cast(cohort_month + to_months(within_months + 1) as date) - 1, {{ local_date(as_of()) }}
        ) as last_day
    from counted
),

watched as (
    select
        windows.authority_code,
        windows.cohort_month,
        windows.within_months
    from windows
    inner join {{ ref('dim_coverage') }} as coverage
        on coverage.authority_code = windows.authority_code
        and coverage.kind in ('levels', 'referrals')
        and coverage.covers_from <= windows.last_day
        and coverage.covers_to >= windows.cohort_month
    group by windows.authority_code, windows.cohort_month, windows.within_months, windows.last_day
    having sum(
        least(coverage.covers_to, windows.last_day) - greatest(coverage.covers_from, windows.cohort_month) + 1
    ) = 2 * (windows.last_day - windows.cohort_month + 1)
),

followed_up as (
    select counted.* replace (if(watched.within_months is null, null, counted.back) as back)
    from counted
    left join watched using (authority_code, cohort_month, within_months)
)

select
    *,
    100 * back / families as back_percent,
    100 * {{ wilson('back', 'families', '-') }} as back_lower,
    100 * {{ wilson('back', 'families', '+') }} as back_upper,
    if(back is null, 'not covered', null) as absent_because
from followed_up
