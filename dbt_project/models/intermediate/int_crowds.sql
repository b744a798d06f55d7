-- Over-shared ids are shared by more families than can belong to one person or one home. Examples are the address of a
-- surgery, a worker who was entered as a person, and a number such as 1. Over-shared ids connect no families. All
-- families and persons that were ever named with an id count, including those in corrected or withdrawn events. So an
-- over-shared id stays over-shared, and the order of records does not matter. In the stream, the view `shared` counts
-- in the same way (`streams/watch/state/tables.sql`).
with recursive told as (
    select
        list_distinct([family_id, release_family_id] || coalesce(marker_families, [])) as families,
        list_distinct([person_id, linked_person_id] || coalesce(person_ids, [])) as persons,
        person_id,
        linked_person_id,
        address_id,
        received_at,
        {'time': received_at, 'source': root_source, 'id': root_id, 'type': event_type} as evidence
    from ({{ up_to_the_cut(source('landing', 'events'), [
        'family_id', 'release_family_id', 'marker_families', 'person_id', 'linked_person_id', 'person_ids',
        'address_id', 'received_at', 'root_source', 'root_id', 'event_type',
    ]) }}) as landed
    where person_id is not null or address_id is not null or len(person_ids) > 0
),

links as (
    select
        person_id as one,
        linked_person_id as other
    from told
    where linked_person_id is not null
),

{{ linked('links') }},

named as (
    select families, received_at, evidence, unnest(persons) as identifier from told
),

-- One row for each id and each family that was named with it. An address also has one row for each person that was
-- named with it. Of linked identifiers, the smallest stands for all.
pairs as (
    select 'person' as kind, identifier as named_id, 'family' as holder_kind, received_at, evidence, unnest(families) as holder
    from named
    union all
    select 'link', linked.person_id, 'family', named.received_at, named.evidence, unnest(named.families)
    from named
    inner join linked on linked.identifier = named.identifier
    union all
    select 'address', address_id, 'family', received_at, evidence, unnest(families)
    from told
    where address_id is not null
    union all
    select 'address', address_id, 'person', received_at, evidence, unnest(persons)
    from told
    where address_id is not null
),

-- Only ids that were named often enough are examined further, and these are few.
candidates as (
    select
        pairs.kind,
        pairs.named_id,
        pairs.holder_kind,
        any_value(if(pairs.kind = 'address', limits.most_families_at_address, limits.most_families_of_person)) as most
    from pairs
    cross join {{ ref('stg_crowd_limits') }} as limits
    group by pairs.kind, pairs.named_id, pairs.holder_kind
    having count(*) > most
),

firsts as (
    select
        pairs.kind,
        pairs.named_id,
        pairs.holder_kind,
        pairs.holder,
        pairs.received_at as named_at,
        pairs.evidence,
        candidates.most
    from pairs
    inner join candidates using (kind, named_id, holder_kind)
    qualify row_number() over (
        partition by pairs.kind, pairs.named_id, pairs.holder_kind, pairs.holder
        order by pairs.received_at, pairs.evidence.source, pairs.evidence.id
    ) = 1
),

counted as (
    select
        *,
        count(*) over (partition by kind, named_id, holder_kind) as holders,
        row_number() over (partition by kind, named_id, holder_kind order by named_at, holder) as holder_number
    from firsts
    qualify holders > most
),

-- The record with which the number exceeded the limit. An address may have too many families, or too many persons.
crowds as (
    select *
    from counted
    where holder_number = most + 1
    qualify row_number() over (partition by kind, named_id order by holder_kind) = 1
)

select
    crowds.kind,
    coalesce(linked.identifier, crowds.named_id) as identifier,
    crowds.named_id,
    crowds.holder_kind,
    crowds.holders,
    crowds.most,
    crowds.named_at,
    crowds.evidence
from crowds
left join linked on crowds.kind = 'link' and linked.person_id = crowds.named_id
