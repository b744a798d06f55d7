{{ config(meta={'empty_without': ['persons-linked']}) }}
-- One person for all identifiers that links connect: the smallest of them.
-- Each round tells every identifier, and who stands for it, the smallest that a neighbour knows: rounds grow with the
-- logarithm of the longest chain of links, and rows with the number of identifiers.
with recursive links as (
    select
        person_id as one,
        linked_person_id as other
    from {{ ref('stg_events') }}
    where fact = 'persons-linked'
),

neighbours as (
    select one, other from links
    union
    select other, one from links
),

known (identifier, person_id) using key (identifier) as (
    select one, min(least(one, other))
    from neighbours
    group by one
    union
    (
        with told as (
            select neighbours.one as identifier, theirs.person_id
            from neighbours
            inner join recurring.known as theirs on theirs.identifier = neighbours.other
            union all
            select own.person_id, theirs.person_id
            from neighbours
            inner join recurring.known as own on own.identifier = neighbours.one
            inner join recurring.known as theirs on theirs.identifier = neighbours.other
            union all
            select own.identifier, stands.person_id
            from recurring.known as own
            inner join recurring.known as stands on stands.identifier = own.person_id
        )

        select told.identifier, min(told.person_id)
        from told
        inner join recurring.known as own on own.identifier = told.identifier
        where told.person_id < own.person_id and exists (select identifier from known)
        group by told.identifier
    )
)

select
    identifier,
    person_id
from known
