-- Need by place and period. Each row has the value of one measure, how certain the value is, and comparisons.
with figures as (
    select * from {{ ref('int_need_figures') }}
),

valued as (
    select
        *,
        form in ('share', 'stock_share') as is_share,
        case form when 'rate' then 10000 / nullif(denominator, 0) when 'count' then 1 end as unit,
        {{ poisson_lower('numerator') }} as count_lower,
        {{ poisson_upper('numerator') }} as count_upper
    from figures
),

measured as materialized (
    select
        * exclude (unit, count_lower, count_upper),
        case
            when is_share then 100 * numerator / denominator
            when form = 'stock' then numerator
            else numerator * unit
        end as value,
        if(is_share, 100 * {{ wilson('numerator', 'denominator', '-') }}, count_lower * unit) as lower,
        if(is_share, 100 * {{ wilson('numerator', 'denominator', '+') }}, count_upper * unit) as upper,
        case
            when is_share then 'wilson'
            when unit is null then 'none'
            when numerator < 10 then 'exact'
            else 'byar'
        end as interval_method,
        numerator / nullif(expected, 0) as observed_to_expected,
        count_lower / nullif(expected, 0) as ratio_lower,
        count_upper / nullif(expected, 0) as ratio_upper,
        -- The count of a period that is still going on is not compared with the count of a whole period.
        if(form = 'count' and is_partial, null, previous_number) as compared_number,
        if(form = 'count' and is_partial, null, year_before_number) as year_compared_number,
        -- The families at a level are mostly the same from month to month. So the numbers of two months do not vary
        -- independently, and their difference has no interval.
        form in ('count', 'rate', 'share') as is_chance
    from valued
),

earlier as materialized (
    select place_number, measure_number, period_number, value, lower, upper
    from measured
    where form <> 'count' or not is_partial
),

changed as (
    select
        later.value is not null
            and later.area_code <> 'unknown'
            and later.period_kind <> 'day'
            and (later.period_kind <> 'week' or later.area_level <> 'lsoa') as is_ranked,
        later.* exclude (is_share, is_chance, form, previous_number, year_before_number),
        previous.value as previous_value,
        later.value - previous.value as change,
        if(later.is_chance, {{ change_lower('later', 'previous') }}, null) as change_lower,
        if(later.is_chance, {{ change_upper('later', 'previous') }}, null) as change_upper,
        year_before.value as year_before_value,
        later.value - year_before.value as year_change,
        if(later.is_chance, {{ change_lower('later', 'year_before') }}, null) as year_change_lower,
        if(later.is_chance, {{ change_upper('later', 'year_before') }}, null) as year_change_upper
    from measured as later
    left join earlier as previous
        on previous.place_number = later.place_number
        and previous.measure_number = later.measure_number
        and previous.period_number = later.compared_number
    left join earlier as year_before
        on year_before.place_number = later.place_number
        and year_before.measure_number = later.measure_number
        and year_before.period_number = later.year_compared_number
),

-- A place is ranked among the places of its level in its authority. An authority is ranked among the authorities in
-- this lake.
ranked as (
    select
        *,
        if(is_ranked, rank() over (siblings order by value desc), null) as sibling_rank,
        if(is_ranked, count(*) over siblings, null) as siblings
    from changed
    window siblings as (partition by is_ranked, sibling_group, period_number, measure_number)
),

-- The newest year for which the DfE has published figures.
published as (
    select *
    from {{ ref('mart_published_figures') }}
    qualify collection_year = max(collection_year) over (partition by measure)
),

regional as (
    select regions.authority_code, published.measure, published.collection_year, published.value
    from published
    inner join {{ ref('regions') }} as regions on regions.region_code = published.area_code
),

neighbours as (
    select regions.authority_code, published.measure, list(published.value) as neighbour_values
    from published
    inner join {{ ref('regions') }} as regions
        on regions.region_code = published.region_code and regions.authority_code <> published.area_code
    where published.value is not null
    group by all
)

select
    ranked.area_level,
    ranked.authority_code,
    ranked.area_code,
    ranked.area_name,
    ranked.period_kind,
    ranked.period_start,
    ranked.period_end,
    ranked.is_partial,
    if(ranked.is_covered, null, 'not covered') as absent_because,
    ranked.measure,
    ranked.numerator,
    ranked.denominator,
    ranked.value,
    ranked.lower,
    ranked.upper,
    ranked.interval_method,
    ranked.expected,
    ranked.observed_to_expected,
    ranked.ratio_lower,
    ranked.ratio_upper,
    ranked.previous_value,
    ranked.change,
    ranked.change_lower,
    ranked.change_upper,
    ranked.year_before_value,
    ranked.year_change,
    ranked.year_change_lower,
    ranked.year_change_upper,
    ranked.sibling_rank,
    ranked.siblings,
    country.collection_year as published_year,
    country.value as england_value,
    regional.value as region_value,
    len(list_filter(neighbours.neighbour_values, lambda one: one > ranked.value)) + 1 as neighbour_rank,
    len(neighbours.neighbour_values) + 1 as neighbours
from ranked
left join published as country
    on country.area_level = 'country'
    and country.measure = ranked.measure
    and ranked.area_level = 'authority'
    and ranked.period_kind = 'rolling_12_months'
left join regional
    on regional.authority_code = ranked.authority_code and regional.measure = country.measure
left join neighbours
    on neighbours.authority_code = ranked.authority_code and neighbours.measure = country.measure
