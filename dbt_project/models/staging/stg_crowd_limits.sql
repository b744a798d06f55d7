-- The limits above which the id of a person or an address connects no families. The newest default profile gives them
-- for the whole lake.
select
    most_families_of_person,
    most_families_at_address
from {{ ref('practice_profiles') }}
where authority_code = '*'
order by effective_from desc
limit 1
