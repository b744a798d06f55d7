-- When risk markers about sources of risk were in force. A row begins when the marker is set or reviewed, and ends with
-- the marker's next event or its expiry. An over-shared id stands for many different persons, so a marker under such an
-- id concerns only the families that it names.
with events as (
    select
        coalesce(identities.person_id, events.person_id) as person_id,
        events.marker_id,
        events.fact,
        events.marker_role,
        events.marker_families,
        events.expires_at,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact in ('risk-marker-set', 'risk-marker-reviewed', 'risk-marker-cleared')
),

-- A review decides the expiry. Everything else about a marker comes from the event that set it.
standing as (
    select
        *,
        last_value(if(fact = 'risk-marker-reviewed', null, fact) ignore nulls) over so_far as last_turn,
        last_value(
            case
                when fact = 'risk-marker-set' then {
                    'event_order': event_order,
                    'occurred_at': occurred_at,
                    'role': marker_role,
                    'families': marker_families,
                    'evidence': evidence
                }
            end
            ignore nulls
        ) over so_far as told,
        lead(event_order, 1, {{ endless() }}) over marker as until_order,
        lead(occurred_at) over marker as next_at
    from events
    window
        marker as (partition by person_id, marker_id order by event_order),
        so_far as (
            partition by person_id, marker_id order by event_order
            rows between unbounded preceding and current row
        )
)

select
    person_id,
    marker_id,
    coalesce(told.families, []) as marker_families,
    person_id in {{ crowds('person') }} as is_of_crowd,
    told.event_order as set_order,
    told.evidence as set_evidence,
    event_order as from_order,
    until_order,
    occurred_at as from_at,
    expires_at,
    least(next_at, if(expires_at < {{ as_of() }}, expires_at, null)) as ended_at,
    profile_id,
    is_backfill
from standing
where last_turn = 'risk-marker-set' and told.role = 'source_of_risk'
