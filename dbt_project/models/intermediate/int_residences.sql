-- When families were recorded as living at an address, and when persons moved to an address on their own. A person with
-- an over-shared id has no known home.
with moves as (
    select
        if(events.family_id is null, 'person', 'family') as subject_kind,
        coalesce(events.family_id, identities.person_id, events.person_id) as subject_id,
        true as is_move,
        events.address_id,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities
        on identities.identifier = events.person_id and events.family_id is null
    where
        events.fact = 'address-changed'
        and (events.person_id is null or events.person_id not in {{ crowds('person') }})
),

-- When a person leaves a household, the address of the household is no longer known to be the person's address.
departures as (
    select
        'person' as subject_kind,
        coalesce(identities.person_id, events.person_id) as subject_id,
        false as is_move,
        homes.address_id,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill
    from {{ ref('stg_events') }} as events
    asof inner join moves as homes
        on homes.subject_kind = 'family'
        and homes.subject_id = events.family_id
        and homes.event_order < events.event_order
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'household-left' and events.person_id not in {{ crowds('person') }}
),

changes as (
    select
        * exclude (address_id),
        address_id as told_address_id,
        last_value(if(is_move, {'id': address_id}, null) ignore nulls) over so_far as latest,
        if(is_move, address_id, null) as address_id
    from (select * from moves union all select * from departures)
    window so_far as (
        partition by subject_kind, subject_id order by event_order
        rows between unbounded preceding and current row
    )
),

relevant as (
    select * from changes where is_move or told_address_id = latest.id
),

-- If the same address is recorded again, nobody has moved.
turns as (
    select *
    from relevant
    qualify address_id is distinct from lag(address_id) over (partition by subject_kind, subject_id order by event_order)
)

select
    subject_kind,
    subject_id,
    address_id,
    event_order as from_order,
    lead(event_order, 1, {{ endless() }}) over subject as until_order,
    occurred_at as moved_in_at,
    lead(occurred_at) over subject as moved_out_at,
    evidence,
    profile_id,
    is_backfill
from turns
window subject as (partition by subject_kind, subject_id order by event_order)
