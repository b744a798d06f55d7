-- The ward and area to which each LSOA belongs, by date, because boundaries change.
with given as (
    select
        lsoa_code,
        date '1900-01-01' as valid_from,
        ward_code,
        ward_name,
        constituency_code,
        constituency_name
    from {{ ref('geography') }}
    union all
    select lsoa_code, valid_from, ward_code, ward_name, constituency_code, constituency_name
    from {{ ref('geography_changes') }}
),

whole as (
    select la_code, sum(children_0_17_estimate) as children from {{ ref('geography') }} group by la_code
)

select
    geography.la_code as authority_code,
    geography.la_name as authority_name,
    given.lsoa_code,
    geography.lsoa_name,
    given.ward_code,
    given.ward_name,
    given.constituency_code as area_code,
    given.constituency_name as area_name,
    coalesce(gateways.gateway, 'single') as gateway,
    geography.imd_decile,
    geography.children_0_17_estimate / whole.children as share_of_children,
    given.valid_from,
    lead(given.valid_from) over (partition by given.lsoa_code order by given.valid_from) as valid_to
from given
inner join {{ ref('geography') }} as geography using (lsoa_code)
inner join whole using (la_code)
left join {{ ref('gateways') }} as gateways on gateways.area_code = given.constituency_code
