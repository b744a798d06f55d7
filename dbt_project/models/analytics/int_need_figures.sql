-- The numerators and denominators of all measures, for all places and periods. The description of `mart_locality_need`
-- says which rows exist.
with counted as (
    select * from {{ ref('int_need_counts') }}
),

-- Places and periods have numbers, which makes it cheap to compare figures. A warm build calculates some periods
-- without the others (`streams/marts/periods.py`). So the number of a period depends only on that period.
periods as (
    select
        4 * (period_start - date '2000-01-01')
        + list_position(['day', 'week', 'month', 'rolling_12_months'], period_kind) as period_number,
        *
    from {{ ref('int_need_periods') }}
),

-- The LSOAs of the authorities that have covered time. Each LSOA belongs to one place at each level.
active as (
    select * from {{ ref('dim_area') }} where authority_code in (select authority_code from periods)
),

levels as (
    select
        authority_code,
        lsoa_code,
        share_of_children,
        unnest([
            {'area_level': 'lsoa', 'area_code': lsoa_code, 'area_name': lsoa_name},
            {'area_level': 'ward', 'area_code': ward_code, 'area_name': ward_name},
            {'area_level': 'area', 'area_code': area_code, 'area_name': area_name},
            {'area_level': 'gateway', 'area_code': gateway, 'area_name': gateway},
            {'area_level': 'authority', 'area_code': authority_code, 'area_name': authority_name}
        ], recursive := true)
    from active
),

summed as (
    select
        area_level,
        authority_code,
        area_code,
        min(area_name) as area_name,
        -- The shares of all LSOAs of an authority must add up to exactly 1, so the sum is rounded to drop the error in
        -- its last bits.
        round({{ exact_sum('share_of_children') }}, 12) as share_of_children
    from levels
    group by all
),

-- The places of one level in one authority are siblings. All authorities are siblings as well.
places as (
    select
        row_number() over (order by area_level, authority_code, area_code) as place_number,
        dense_rank() over (order by area_level, if(area_level = 'authority', null, authority_code)) as sibling_group,
        *
    from summed
),

within as (
    select places.place_number, levels.authority_code, levels.lsoa_code
    from levels
    inner join places using (area_level, authority_code, area_code)
),

by_month as (
    select
        authority_code,
        lsoa_code,
        cast(date_trunc('month', happened_on) as date) as month_starts_on,
        counted,
        sum(number) as number
    from counted
    group by all
),

by_area as (
    select
        periods.authority_code,
        by_month.lsoa_code,
        periods.period_number,
        by_month.counted,
        sum(by_month.number) as number
    from periods
    inner join by_month
        on periods.period_kind in ('month', 'rolling_12_months')
        and by_month.authority_code = periods.authority_code
        and by_month.month_starts_on between periods.period_start and periods.period_end
    group by all
    union all
    select periods.authority_code, counted.lsoa_code, periods.period_number, counted.counted, sum(counted.number)
    from periods
    inner join counted
        on periods.period_kind in ('day', 'week')
        and counted.authority_code = periods.authority_code
        and counted.happened_on between periods.period_start and periods.period_end
    group by all
    union all
    select periods.authority_code, stocks.lsoa_code, periods.period_number, stocks.counted, stocks.number
    from periods
    inner join {{ ref('int_need_stocks') }} as stocks
        on periods.period_kind = 'month'
        and stocks.authority_code = periods.authority_code
        and stocks.month_starts_on = periods.period_start
),

cells as (
    select within.place_number, by_area.period_number, by_area.counted, cast(sum(by_area.number) as bigint) as number
    from by_area
    inner join within using (authority_code, lsoa_code)
    group by all
),

-- The population estimate is for the middle of the calendar year in which the collection year begins, for example
-- mid-2025 for a period that ends between April 2025 and March 2026. If that estimate is not known yet, the latest
-- known one is used.
children as (
    select
        periods.*,
        previous.period_number as previous_number,
        year_before.period_number as year_before_number,
        population.children
    from periods
    left join periods as previous
        on previous.authority_code = periods.authority_code
        and previous.period_kind = periods.period_kind
        and previous.period_start = periods.previous_start
    left join periods as year_before
        on year_before.authority_code = periods.authority_code
        and year_before.period_kind = periods.period_kind
        and year_before.period_start = periods.year_before_start
    asof left join {{ ref('la_population') }} as population
        on population.authority_code = periods.authority_code
        and population.mid_year <= year(periods.period_end + to_months(9)) - 1
),

measures as (
    select * from {{ ref('int_need_measures') }}
),

-- Months and rolling 12 months have rows for all places, and weeks for wards and larger places. For days, and for weeks
-- of an LSOA, there are rows only if something happened. The mix of sources and needs is left out for LSOAs, because an
-- LSOA has only about twenty referrals a year, which are too few.
grid as (
    select
        places.*,
        children.* exclude (authority_code),
        measures.*
    from places
    inner join children using (authority_code)
    inner join measures
        on case children.period_kind
            when 'month' then places.area_level <> 'lsoa' or not measures.is_mix
            when 'rolling_12_months'
                then not starts_with(measures.form, 'stock') and (places.area_level <> 'lsoa' or not measures.is_mix)
            when 'week'
                then not starts_with(measures.form, 'stock') and places.area_level <> 'lsoa' and not measures.is_mix
            else false
        end
    union all
    select
        places.*,
        children.* exclude (authority_code),
        measures.*
    from cells
    inner join measures on measures.form = 'count' and measures.counted = cells.counted
    inner join places using (place_number)
    inner join children
        on children.period_number = cells.period_number and children.authority_code = places.authority_code
    where children.period_kind = 'day' or (children.period_kind = 'week' and places.area_level = 'lsoa')
),

-- If the records for a measure are not complete, the row stays, but its figure is empty.
judged as (
    select grid.*, covered.rests_on is not null as is_covered
    from grid
    left join {{ ref('int_period_coverage') }} as covered
        on covered.authority_code = grid.authority_code
        and covered.period_kind = grid.period_kind
        and covered.period_start = grid.period_start
        and covered.rests_on = grid.rests_on
),

-- The count that a place would have if it had the authority's rate in each decile of deprivation.
deprived as (
    select
        within.place_number,
        active.authority_code,
        active.imd_decile,
        {{ exact_sum('active.share_of_children') }} as share_of_children
    from active
    inner join within using (authority_code, lsoa_code)
    where active.imd_decile is not null
    group by all
),

whole as (
    select authority_code, imd_decile, {{ exact_sum('share_of_children') }} as share_of_children
    from active
    where imd_decile is not null
    group by all
),

by_decile as (
    select
        by_area.authority_code,
        by_area.period_number,
        by_area.counted,
        active.imd_decile,
        sum(by_area.number) as number,
        any_value(whole.share_of_children) as share_of_children
    from by_area
    inner join periods
        on periods.period_number = by_area.period_number
        and periods.authority_code = by_area.authority_code
        and periods.period_kind in ('month', 'rolling_12_months')
    inner join active
        on active.authority_code = by_area.authority_code and active.lsoa_code = by_area.lsoa_code
    inner join whole
        on whole.authority_code = active.authority_code and whole.imd_decile = active.imd_decile
    where by_area.counted in (select counted from measures where form = 'count')
    group by all
),

expected as (
    select
        deprived.place_number,
        by_decile.period_number,
        by_decile.counted,
        {{ exact_sum('by_decile.number * deprived.share_of_children / by_decile.share_of_children') }} as expected
    from by_decile
    inner join deprived using (authority_code, imd_decile)
    group by all
)

select
    grid.place_number,
    grid.period_number,
    grid.measure_number,
    grid.sibling_group,
    grid.area_level,
    grid.authority_code,
    grid.area_code,
    grid.area_name,
    grid.period_kind,
    grid.period_start,
    grid.period_end,
    grid.is_partial,
    grid.previous_number,
    grid.year_before_number,
    grid.measure,
    grid.form,
    grid.is_covered,
    if(grid.is_covered, coalesce(above.number, 0), null) as numerator,
    case
        when not grid.is_covered then null
        when grid.form = 'rate' then grid.children * grid.share_of_children * grid.years_observed
        when grid.out_of is not null then below.number
    end as denominator,
    if(
        grid.is_covered and grid.form in ('count', 'rate') and grid.area_level <> 'authority', expected.expected, null
    ) as expected
from judged as grid
left join cells as above
    on above.place_number = grid.place_number
    and above.period_number = grid.period_number
    and above.counted = grid.counted
left join cells as below
    on below.place_number = grid.place_number
    and below.period_number = grid.period_number
    and below.counted = grid.out_of
left join expected
    on expected.place_number = grid.place_number
    and expected.period_number = grid.period_number
    and expected.counted = grid.counted
where grid.out_of is null or below.number > 0 or not grid.is_covered
