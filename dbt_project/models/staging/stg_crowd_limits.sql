-- In how many families a person or an address may be named before it links nobody: one limit for the whole lake, that of
-- the newest default profile.
select
    most_families_of_person,
    most_families_at_address
from {{ ref('practice_profiles') }}
where authority_code = '*'
order by effective_from desc
limit 1
