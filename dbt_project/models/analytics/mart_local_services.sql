-- Which services families of a place ask for and get: requests of the last twelve months, by ward, area and authority.
with requests as (
    select
        requests.authority_code,
        requests.family_id,
        requests.service_kind,
        requests.service_id,
        requests.state,
        requests.is_beyond_target,
        unnest([
            {'area_level': 'ward', 'area_code': areas.ward_code, 'area_name': areas.ward_name},
            {'area_level': 'area', 'area_code': areas.area_code, 'area_name': areas.area_name},
            {
                'area_level': 'authority',
                'area_code': requests.authority_code,
                'area_name': coalesce(areas.authority_name, requests.authority_code)
            }
        ], recursive := true)
    from {{ ref('fct_services_requested') }} as requests
    left join {{ ref('dim_area') }} as areas using (authority_code, lsoa_code)
    where requests.requested_at >= {{ months_before(as_of(), 12) }}
)

select
    authority_code,
    area_level,
    coalesce(area_code, 'unknown') as area_code,
    coalesce(min(area_name), 'unknown') as area_name,
    service_kind,
    count(distinct service_id) as services,
    count(*) as requested,
    count(*) filter (state = 'started') as started,
    count(*) filter (state = 'waiting') as waiting,
    count(*) filter (state = 'waiting' and is_beyond_target) as waiting_beyond_target,
    count(*) filter (state = 'declined') as declined,
    count(*) filter (state = 'cancelled') as cancelled,
    count(distinct family_id) filter (state = 'started') as families_served
from requests
group by authority_code, area_level, coalesce(area_code, 'unknown'), service_kind
