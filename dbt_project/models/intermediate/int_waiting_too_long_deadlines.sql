-- Moments to come at which the target of a service that is waited for passes.
select distinct
    family_id,
    limit_at as due_at
from {{ ref('int_service_waits') }}
where {{ may_run_out('limit_at', 'answered_at') }}
