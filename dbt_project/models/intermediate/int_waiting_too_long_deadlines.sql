-- Future moments at which the target of a requested service passes.
select distinct
    family_id,
    limit_at as due_at
from {{ ref('int_service_waits') }}
where {{ may_run_out('limit_at', 'answered_at') }}
