-- Moments to come by which somebody tells a child's school of an incident.
select distinct
    family_id,
    due_at
from {{ ref('int_school_notices') }}
where {{ may_run_out('due_at', 'notified_at') }}
