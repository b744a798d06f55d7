-- The places in which services work, with the boundaries in force now: the LSOAs of the map, and one unknown place for
-- each authority.
with mapped as (
    select * exclude (valid_from, valid_to)
    from {{ ref('dim_area_version') }}
    where valid_from <= {{ local_date(as_of()) }} and coalesce(valid_to > {{ local_date(as_of()) }}, true)
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
