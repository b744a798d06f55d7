-- The services that families in a place requested and received in the last twelve months, by ward, area and authority.
-- If not all twelve months are covered, there is no figure.
with covered as (
    select coverage.authority_code
    from {{ ref('dim_coverage') }} as coverage
    cross join (
        select {{ local_date(months_before(as_of(), 12)) }} as first_day, {{ local_date(as_of()) }} as last_day
    ) as year
    where coverage.kind = 'services' and coverage.covers_from <= year.last_day and coverage.covers_to >= year.first_day
    group by coverage.authority_code
    having sum(
        least(coverage.covers_to, year.last_day) - greatest(coverage.covers_from, year.first_day) + 1
    ) = any_value(year.last_day - year.first_day) + 1
),

requests as (
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
    {{ of_covered_time('services', 'requests', local_date('requests.requested_at'), 'requests.event_source') }}
    semi join covered as years on years.authority_code = requests.authority_code
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
