-- Wards, areas, gateways and the authority add up to the same totals as their LSOAs, including the unknown place.
with totals as (
    select
        area_level,
        authority_code,
        period_kind,
        period_start,
        measure,
        sum(numerator) as numerator
    from {{ ref('mart_locality_need') }}
    group by all
)

select levels.*
from totals as levels
inner join totals as smallest
    on smallest.area_level = 'lsoa'
    and smallest.authority_code = levels.authority_code
    and smallest.period_kind = levels.period_kind
    and smallest.period_start = levels.period_start
    and smallest.measure = levels.measure
where levels.numerator is distinct from smallest.numerator
