-- All identifiers that links connect are one person, whose id is the smallest of these identifiers. If links connect a
-- person to too many families, these links are not followed, and each identifier counts as a separate person.
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
