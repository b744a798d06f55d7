{{ config(materialized='ephemeral') }}
{%- set counts = ['referrals', 'dfe_referrals', 'contacts', 'cafs'] -%}
{%- set groups = [
    'individual', 'schools', 'education_services', 'health_services', 'housing', 'la_services', 'police',
    'other_legal_agency', 'other', 'anonymous', 'unknown',
] -%}
{%- set mixes = [] -%}
{%- for group in groups %}{% do mixes.append('source_' ~ group) %}{% endfor -%}
{%- for need in range(10) %}{% do mixes.append('need_n' ~ need) %}{% endfor -%}
-- Numerators and denominators of every measure, place and period; which of them there are is said in the docs.
with counted as (
    select * from {{ ref('int_need_counts') }}
),

periods as (
    select * from {{ ref('int_need_periods') }}
),

-- Areas of the authorities that have any record, at every level of place.
active as (
    select * from {{ ref('dim_area') }} where authority_code in (select authority_code from counted)
),

levels as (
    select 'lsoa' as area_level, authority_code, lsoa_code, lsoa_code as area_code, lsoa_name as area_name, imd_decile, share_of_children from active
    union all
    select 'ward', authority_code, lsoa_code, ward_code, ward_name, imd_decile, share_of_children from active
    union all
    select 'area', authority_code, lsoa_code, area_code, area_name, imd_decile, share_of_children from active
    union all
    select 'gateway', authority_code, lsoa_code, gateway, gateway, imd_decile, share_of_children from active
    union all
    select 'authority', authority_code, lsoa_code, authority_code, authority_name, imd_decile, share_of_children from active
),

summed as (
    select
        area_level,
        authority_code,
        area_code,
        min(area_name) as area_name,
        -- All of an authority's children are its children: the last bits of a sum are not.
        round(sum(share_of_children), 12) as share_of_children
    from levels
    group by all
),

-- Whoever compares the figures of a place finds it by number.
places as (
    select row_number() over (order by area_level, authority_code, area_code) as place_number, * from summed
),

-- Families by level of need at the end of each month, or now.
families as (
    select
        places.authority_code,
        places.lsoa_code,
        periods.period_kind,
        periods.period_start,
        coalesce('families_at_level_' || status.level, 'families') as counted,
        count(*) as number
    from periods
    inner join {{ ref('int_family_status') }} as status
        on periods.period_kind = 'month'
        and status.level is not null
        and status.from_at < {{ utc_time('(periods.period_end + interval 1 day)') }}
        and coalesce(status.until_at >= {{ utc_time('(periods.period_end + interval 1 day)') }}, true)
    inner join {{ ref('int_family_places') }} as places
        on places.family_id = status.family_id
        and places.authority_code = periods.authority_code
        and places.from_at < {{ utc_time('(periods.period_end + interval 1 day)') }}
        and coalesce(places.until_at >= {{ utc_time('(periods.period_end + interval 1 day)') }}, true)
    group by grouping sets (
        (places.authority_code, places.lsoa_code, periods.period_kind, periods.period_start, status.level),
        (places.authority_code, places.lsoa_code, periods.period_kind, periods.period_start)
    )
),

by_month as (
    select authority_code, lsoa_code, cast(date_trunc('month', happened_on) as date) as month_starts_on, counted, sum(number) as number
    from counted
    group by all
),

by_area as (
    select periods.authority_code, periods.period_kind, periods.period_start, by_month.lsoa_code, by_month.counted, sum(by_month.number) as number
    from periods
    inner join by_month
        on periods.period_kind in ('month', 'rolling_12_months')
        and by_month.authority_code = periods.authority_code
        and by_month.month_starts_on between periods.period_start and periods.period_end
    group by all
    union all
    select periods.authority_code, periods.period_kind, periods.period_start, counted.lsoa_code, counted.counted, sum(counted.number)
    from periods
    inner join counted
        on periods.period_kind in ('day', 'week')
        and counted.authority_code = periods.authority_code
        and counted.happened_on between periods.period_start and periods.period_end
    group by all
    union all
    select authority_code, period_kind, period_start, lsoa_code, counted, number from families
),

cells as (
    select
        levels.area_level,
        levels.authority_code,
        levels.area_code,
        by_area.period_kind,
        by_area.period_start,
        by_area.counted,
        cast(sum(by_area.number) as bigint) as number
    from by_area
    inner join levels using (authority_code, lsoa_code)
    group by all
),

-- The mid-year before the collection year (to 31 March) of the period's end, or the latest that is known.
children as (
    select periods.*, population.children
    from periods
    asof left join {{ ref('la_population') }} as population
        on population.authority_code = periods.authority_code
        and population.mid_year <= year(periods.period_end + to_months(9)) - 1
),

measures as (
    select *
    from (
        values
            {%- for count in counts %}
            ('{{ count }}', 'count', false, '{{ count }}', null),
            ('{{ count }}_per_10000', 'rate', false, '{{ count }}', null),
            {%- endfor %}
            ('re_referral_percent', 'share', false, 're_referrals', 'dfe_referrals'),
            ('nfa_percent', 'share', false, 'nfa', 'dfe_referrals'),
            {%- for mix in mixes %}
            ('{{ mix }}_percent', 'share', true, '{{ mix }}', 'dfe_referrals'),
            {%- endfor %}
            {%- for level in range(1, 5) %}
            ('families_at_level_{{ level }}', 'stock', false, 'families_at_level_{{ level }}', null),
            ('level_{{ level }}_percent', 'stock_share', false, 'families_at_level_{{ level }}', 'families')
            {{- ',' if not loop.last }}
            {%- endfor %}
    ) as measures (measure, form, is_mix, counted, out_of)
),

-- Every place in every month and year, from the ward up in every week; else where something happened.
-- A year of a small area has twenty referrals: their mix says nothing.
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
            when 'week' then places.area_level <> 'lsoa' and not measures.is_mix and not starts_with(measures.form, 'stock')
            else false
        end
    union all
    select
        places.*,
        children.* exclude (authority_code),
        measures.*
    from cells
    inner join measures on measures.form = 'count' and measures.counted = cells.counted
    inner join places using (area_level, authority_code, area_code)
    inner join children
        on children.authority_code = cells.authority_code
        and children.period_kind = cells.period_kind
        and children.period_start = cells.period_start
    where cells.period_kind = 'day' or (cells.period_kind = 'week' and cells.area_level = 'lsoa')
),

-- What a place would have if the authority's rate in each tenth of deprivation held in it.
deprived as (
    select area_level, authority_code, area_code, imd_decile, sum(share_of_children) as share_of_children
    from levels
    where imd_decile is not null
    group by all
),

by_decile as (
    select by_area.authority_code, by_area.period_kind, by_area.period_start, by_area.counted, active.imd_decile, sum(by_area.number) as number
    from by_area
    inner join active using (authority_code, lsoa_code)
    where by_area.period_kind in ('month', 'rolling_12_months')
        and by_area.counted in ({% for count in counts %}'{{ count }}'{{ ', ' if not loop.last }}{% endfor %})
        and active.imd_decile is not null
    group by all
),

expected as (
    select
        deprived.area_level,
        deprived.authority_code,
        deprived.area_code,
        by_decile.period_kind,
        by_decile.period_start,
        by_decile.counted,
        sum(by_decile.number * deprived.share_of_children / whole.share_of_children) as expected
    from by_decile
    inner join deprived as whole
        on whole.area_level = 'authority'
        and whole.authority_code = by_decile.authority_code
        and whole.imd_decile = by_decile.imd_decile
    inner join deprived
        on deprived.area_level <> 'authority'
        and deprived.authority_code = by_decile.authority_code
        and deprived.imd_decile = by_decile.imd_decile
    group by all
)

select
    grid.place_number,
    grid.area_level,
    grid.authority_code,
    grid.area_code,
    grid.area_name,
    grid.period_kind,
    grid.period_start,
    grid.period_end,
    grid.is_partial,
    grid.previous_start,
    grid.year_before_start,
    grid.measure,
    grid.form,
    coalesce(above.number, 0) as numerator,
    case
        when grid.form = 'rate' then grid.children * grid.share_of_children * grid.years_observed
        when grid.out_of is not null then below.number
    end as denominator,
    if(grid.form in ('count', 'rate'), expected.expected, null) as expected
from grid
left join cells as above
    on above.area_level = grid.area_level
    and above.authority_code = grid.authority_code
    and above.area_code = grid.area_code
    and above.period_kind = grid.period_kind
    and above.period_start = grid.period_start
    and above.counted = grid.counted
left join cells as below
    on below.area_level = grid.area_level
    and below.authority_code = grid.authority_code
    and below.area_code = grid.area_code
    and below.period_kind = grid.period_kind
    and below.period_start = grid.period_start
    and below.counted = grid.out_of
left join expected
    on expected.area_level = grid.area_level
    and expected.authority_code = grid.authority_code
    and expected.area_code = grid.area_code
    and expected.period_kind = grid.period_kind
    and expected.period_start = grid.period_start
    and expected.counted = grid.counted
where grid.out_of is null or below.number > 0
