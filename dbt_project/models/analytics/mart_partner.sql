-- What families request from partners and how soon the partners answer, by service, area and month of the request.
with requests as (
    select
        requests.*,
        areas.area_code,
        areas.area_name
    from {{ ref('fct_services_requested') }} as requests
    {{ of_covered_months('services', 'requests', local_date('requests.requested_at'), 'requests.event_source') }}
    left join {{ ref('dim_area') }} as areas using (authority_code, lsoa_code)
),

counted as (
    select
        authority_code,
        coalesce(area_code, 'unknown') as area_code,
        coalesce(area_name, 'unknown') as area_name,
        service_kind,
        service_id,
        requested_month as month_starts_on,
        any_value(target_days) as target_days,
        count(*) as requested,
        count(*) filter (state = 'started') as started,
        count(*) filter (state = 'declined') as declined,
        count(*) filter (state = 'declined' and end_reason = 'no_capacity') as declined_no_capacity,
        count(*) filter (state = 'declined' and end_reason = 'criteria_not_met') as declined_criteria_not_met,
        count(*) filter (state = 'declined' and end_reason = 'family_declined') as declined_by_family,
        count(*) filter (state = 'cancelled') as cancelled,
        count(*) filter (state = 'waiting') as waiting,
        count(*) filter (state = 'waiting' and is_beyond_target) as waiting_beyond_target,
        count(*) filter (state = 'started' and not is_beyond_target) as started_within_target,
        median(days_waited) filter (state = 'started') as median_days,
        quantile_cont(days_waited, 0.9) filter (state = 'started') as p90_days,
        max(days_waited) filter (state = 'waiting') as longest_wait_days,
        -- Requests that were answered or whose target has passed. Requests with impossible dates are left out.
        count(*) filter (is_beyond_target or (not is_beyond_target and state <> 'waiting')) as due
    from requests
    group by all
)

select
    *,
    100 * started_within_target / nullif(due, 0) as within_target_percent,
    100 * {{ wilson('started_within_target', 'nullif(due, 0)', '-') }} as within_target_lower,
    100 * {{ wilson('started_within_target', 'nullif(due, 0)', '+') }} as within_target_upper
from counted
