-- Who lived in which household, from joining to leaving. If a person joins again without having left, the same stay
-- goes on.
with movements as (
    select
        events.family_id,
        coalesce(identities.person_id, events.person_id) as person_id,
        events.fact = 'household-joined' as is_joining,
        events.household_role,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact in ('household-joined', 'household-left')
),

turns as (
    select *
    from movements
    qualify is_joining <> lag(is_joining, 1, false) over (partition by family_id, person_id order by event_order)
),

stays as (
    select
        *,
        lead(event_order, 1, {{ endless() }}) over member as until_order,
        lead(occurred_at) over member as left_at
    from turns
    window member as (partition by family_id, person_id order by event_order)
)

select
    family_id,
    person_id,
    household_role,
    event_order as from_order,
    until_order,
    occurred_at as joined_at,
    left_at,
    evidence,
    profile_id,
    is_backfill
from stays
where is_joining
