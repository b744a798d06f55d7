-- Where services work: every area of the map, and for each authority the place that nobody knows.
with mapped as (
    select
        geography.la_code as authority_code,
        geography.la_name as authority_name,
        geography.lsoa_code,
        geography.lsoa_name,
        geography.ward_code,
        geography.ward_name,
        geography.constituency_code as area_code,
        geography.constituency_name as area_name,
        coalesce(gateways.gateway, 'single') as gateway,
        geography.imd_decile,
        geography.children_0_17_estimate
            / sum(geography.children_0_17_estimate) over (partition by geography.la_code) as share_of_children
    from {{ ref('geography') }} as geography
    left join {{ ref('gateways') }} as gateways on gateways.area_code = geography.constituency_code
),

authorities as (
    select la_code as authority_code, la_name as authority_name from {{ ref('geography') }}
    union
    select authority_code, null from {{ ref('stg_events') }}
),

unknown as (
    select
        authority_code,
        coalesce(max(authority_name), authority_code) as authority_name,
        'unknown' as lsoa_code,
        'unknown' as lsoa_name,
        'unknown' as ward_code,
        'unknown' as ward_name,
        'unknown' as area_code,
        'unknown' as area_name,
        'unknown' as gateway,
        null::integer as imd_decile,
        null::double as share_of_children
    from authorities
    group by authority_code
)

select * from mapped
union all
select * from unknown
