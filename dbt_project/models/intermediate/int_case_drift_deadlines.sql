-- Future moments at which a gap in the work with an open family becomes too long.
select distinct
    family_id,
    due_at
from {{ ref('int_case_gaps') }}
where due_at >= {{ as_of() }}
