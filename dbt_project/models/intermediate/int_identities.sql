-- One person for all identifiers that links connect, named by the smallest of them. If links connect a person to too
-- many families, these links are not followed, and each of the identifiers is a person of its own.
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
