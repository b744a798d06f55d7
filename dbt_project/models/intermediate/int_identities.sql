-- One person for all identifiers that links connect: the smallest of them. Links that make one person of more families
-- than one is in are not followed: each of their identifiers means itself.
with recursive links as (
    select
        person_id as one,
        linked_person_id as other
    from {{ ref('stg_events') }}
    where fact = 'persons-linked' and person_id not in {{ crowds('link') }}
),

{{ linked('links') }}

select
    identifier,
    person_id
from linked
