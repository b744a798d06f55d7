-- Services that events name: families are allocated to them, request them, or have a case with them.
select
    service_id,
    arg_max(authority_code, event_order) as authority_code,
    arg_max(service_kind, event_order) as service_kind,
    {{ local_date('min(occurred_at) filter (' ~ is_possible('occurred_at') ~ ')') }} as first_named_on,
    {{ local_date('max(occurred_at)') }} as last_named_on
from {{ ref('stg_events') }}
where service_id is not null
group by service_id
