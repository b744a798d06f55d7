-- Requests for partners' services, how each was answered, and how long that took.
with answered as (
    select
        family_id,
        service_request_id,
        arg_min(fact, event_order) as fact,
        arg_min(end_reason, event_order) as end_reason
    from {{ ref('stg_events') }}
    where fact in ('service-started', 'service-declined', 'service-cancelled')
    group by family_id, service_request_id
),

requested as (
    select
        family_id,
        service_request_id,
        arg_min(service_id, event_order) as service_id,
        arg_min(authority_code, event_order) as authority_code
    from {{ ref('stg_events') }}
    where fact = 'service-requested'
    group by family_id, service_request_id
)

select
    md5(concat_ws('|', waits.family_id, waits.service_request_id)) as request_id,
    waits.family_id,
    waits.service_request_id,
    requested.authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code,
    requested.service_id,
    waits.service_kind,
    waits.requested_at,
    cast(date_trunc('month', {{ local_date('waits.requested_at') }}) as date) as requested_month,
    waits.target_days,
    waits.limit_at,
    waits.answered_at,
    case answered.fact
        when 'service-started' then 'started'
        when 'service-declined' then 'declined'
        when 'service-cancelled' then 'cancelled'
        else 'waiting'
    end as state,
    answered.end_reason,
    if(
        waits.answered_at < waits.requested_at or not {{ is_possible('waits.requested_at') }},
        null,
        coalesce(waits.answered_at, {{ as_of() }}) > waits.limit_at
    ) as is_beyond_target,
    {{ elapsed('waits.requested_at', 'coalesce(waits.answered_at, ' ~ as_of() ~ ')', 8.64e10) }} as days_waited,
    waits.is_backfill,
    waits.evidence.source as event_source
from {{ ref('int_service_waits') }} as waits
inner join requested using (family_id, service_request_id)
left join answered using (family_id, service_request_id)
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = waits.family_id and places.from_order <= waits.event_order
