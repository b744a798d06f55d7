-- Future moments by which a child's school must be told of an incident.
select distinct
    family_id,
    due_at
from {{ ref('int_school_notices') }}
where {{ may_run_out('due_at', 'notified_at') }}
