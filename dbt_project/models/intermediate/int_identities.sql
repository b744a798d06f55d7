{{ config(meta={'empty_without': ['persons-linked']}) }}
-- One person for all identifiers that links connect: the smallest of them.
with recursive links as (
    select person_id, linked_person_id
    from {{ ref('stg_events') }}
    where fact = 'persons-linked'
),

either_way as (
    select person_id, linked_person_id from links
    union
    select linked_person_id, person_id from links
),

reached as (
    select person_id, person_id as other_id from either_way
    union
    select reached.person_id, either_way.linked_person_id
    from reached
    inner join either_way on either_way.person_id = reached.other_id
)

select
    person_id as identifier,
    min(other_id) as person_id
from reached
group by identifier
