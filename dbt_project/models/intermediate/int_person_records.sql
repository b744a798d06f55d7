-- What was recorded about a person, and when it applied. The first record also applies to the time before it. Records
-- under an over-shared id are about different persons, so they are left out.
with recorded as (
    select
        coalesce(identities.person_id, events.person_id) as person_id,
        events.event_order,
        events.occurred_at,
        events.date_of_birth,
        events.due_date,
        events.died_on
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'person-recorded' and events.person_id not in {{ crowds('person') }}
)

select
    person_id,
    if(lag(event_order) over person is null, 0, event_order) as from_order,
    lead(event_order, 1, {{ endless() }}) over person as until_order,
    if(lag(event_order) over person is null, null, occurred_at) as from_at,
    lead(occurred_at) over person as until_at,
    date_of_birth,
    due_date,
    died_on
from recorded
window person as (partition by person_id order by event_order)
