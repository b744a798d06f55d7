-- Persons with a risk marker who come to a family with a child. A person comes to a family by joining the household, by
-- moving to its address, by being reported as back, or by getting a risk marker while living there. Each stay counts
-- once for markers that concern the family, and once for other markers.
with presence as (
    select * from {{ ref('int_marked_presence') }}
),

markers as (
    select * from {{ ref('int_risk_markers') }}
),

stays as (
    select distinct family_id, person_id, stay_number, stay_from_order, stay_until_order, stay_until_at from presence
),

arrivals as (
    select
        family_id,
        person_id,
        spell_kind as trigger_kind,
        from_order as event_order,
        from_at as occurred_at,
        evidence,
        profile_id,
        is_backfill
    from presence
),

marked_while_present as (
    select
        stays.family_id,
        stays.person_id,
        'marked' as trigger_kind,
        markers.from_order as event_order,
        markers.from_at as occurred_at,
        markers.set_evidence as evidence,
        markers.profile_id,
        markers.is_backfill
    from markers
    inner join stays
        on stays.person_id = markers.person_id
        and markers.from_order > stays.stay_from_order
        and markers.from_order < stays.stay_until_order
    where
        markers.from_order = markers.set_order
        and (not markers.is_of_crowd or list_contains(markers.marker_families, stays.family_id))
),

reports as (
    select
        family_id,
        person_ids,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact = 'escalation-reported' and escalation_kind = 'abusive_adult_returned'
),

-- A report that names nobody is about everybody who is in the household or was in it before.
named as (
    select
        named_ids.* exclude (identifier),
        coalesce(identities.person_id, named_ids.identifier) as person_id
    from (select * exclude (person_ids), unnest(person_ids) as identifier from reports) as named_ids
    left join {{ ref('int_identities') }} as identities using (identifier)
    union
    select
        reports.* exclude (person_ids),
        members.person_id
    from reports
    inner join {{ ref('int_household_stays') }} as members
        on members.family_id = reports.family_id and members.from_order < reports.event_order
    where len(coalesce(reports.person_ids, [])) = 0
),

triggers as (
    select * from arrivals
    union all by name
    select * from marked_while_present
    union all by name
    select *, 'reported' as trigger_kind from named
),

first_joined as (
    select
        family_id,
        person_id,
        min(from_order) as joined_order
    from {{ ref('int_household_stays') }}
    group by family_id, person_id
),

-- A marker concerns a family that it names. A marker that names no family concerns each family in which the person has
-- lived before.
weighed as (
    select
        triggers.event_order,
        triggers.family_id,
        triggers.person_id,
        markers.set_evidence,
        markers.ended_at,
        list_contains(markers.marker_families, triggers.family_id)
            or (
                len(markers.marker_families) = 0
                and coalesce(first_joined.joined_order < triggers.event_order, false)
            ) as concerns_family,
        markers.from_order <= triggers.event_order
            and markers.until_order > triggers.event_order
            and coalesce(markers.expires_at >= triggers.occurred_at, true) as is_in_force
    from triggers
    inner join markers
        on markers.person_id = triggers.person_id
        and (not markers.is_of_crowd or list_contains(markers.marker_families, triggers.family_id))
    left join first_joined
        on first_joined.family_id = triggers.family_id and first_joined.person_id = triggers.person_id
),

-- If the marker is set again later, the alert stays open or opens again.
in_force as (
    select
        event_order,
        family_id,
        person_id,
        concerns_family,
        list(set_evidence) filter (is_in_force) as marker_evidence,
        if(count(ended_at) = count(*), max(ended_at), null) as unmarked_at
    from weighed
    group by event_order, family_id, person_id, concerns_family
    having bool_or(is_in_force)
),

-- If a person has markers that concern the family, the person's other markers are left out.
marked as (
    select *
    from in_force
    qualify concerns_family
        or not bool_or(concerns_family) over (partition by event_order, family_id, person_id)
),

-- The latest recorded role of each person in the household.
roles as (
    select
        events.family_id,
        coalesce(identities.person_id, events.person_id) as person_id,
        events.household_role,
        events.event_order as told_order
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'household-joined'
),

others as (
    select
        triggers.event_order,
        triggers.family_id,
        triggers.person_id,
        triggers.occurred_at,
        members.person_id as member_id
    from triggers
    inner join {{ ref('int_household_stays') }} as members
        on members.family_id = triggers.family_id
        and members.person_id <> triggers.person_id
        and members.from_order <= triggers.event_order
        and members.until_order > triggers.event_order
),

-- Whether a child lives in the household at that time, not counting the person with the marker.
with_child as (
    select distinct
        others.event_order,
        others.family_id,
        others.person_id
    from others
    asof inner join roles
        on roles.family_id = others.family_id
        and roles.person_id = others.member_id
        and roles.told_order <= others.event_order
    left join {{ ref('int_person_records') }} as records
        on records.person_id = others.member_id
        and records.from_order <= others.event_order
        and records.until_order > others.event_order
    where {{ is_child('records', 'roles.household_role', 'others.occurred_at') }}
),

-- If no stay is recorded for the time of a report, the report counts as a stay of its own.
first_of_stay as (
    select
        triggers.*,
        marked.concerns_family,
        marked.marker_evidence,
        marked.unmarked_at,
        stays.stay_number,
        stays.stay_until_at
    from triggers
    inner join marked using (event_order, family_id, person_id)
    semi join with_child using (event_order, family_id, person_id)
    left join stays
        on stays.family_id = triggers.family_id
        and stays.person_id = triggers.person_id
        and stays.stay_from_order <= triggers.event_order
        and stays.stay_until_order > triggers.event_order
    qualify row_number() over (
        partition by
            triggers.family_id, triggers.person_id, marked.concerns_family,
            coalesce(stays.stay_number, -triggers.event_order)
        order by triggers.event_order
    ) = 1
),

departures as (
    select
        events.family_id,
        coalesce(identities.person_id, events.person_id) as person_id,
        events.event_order,
        events.occurred_at
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'household-left'
),

-- If the person was never recorded as joining, the next recorded departure ends the stay.
left_unseen as (
    select
        first_of_stay.event_order,
        first_of_stay.family_id,
        first_of_stay.person_id,
        min(departures.occurred_at) as departed_at
    from first_of_stay
    inner join departures
        on departures.family_id = first_of_stay.family_id
        and departures.person_id = first_of_stay.person_id
        and departures.event_order > first_of_stay.event_order
    where first_of_stay.stay_number is null
    group by first_of_stay.event_order, first_of_stay.family_id, first_of_stay.person_id
),

judged as (
    select
        first_of_stay.*,
        [joined.evidence] as joined_evidence,
        least(first_of_stay.stay_until_at, left_unseen.departed_at, first_of_stay.unmarked_at) as over_at
    from first_of_stay
    left join left_unseen using (event_order, family_id, person_id)
    left join {{ ref('int_household_stays') }} as joined
        on joined.family_id = first_of_stay.family_id
        and joined.person_id = first_of_stay.person_id
        and joined.from_order <= first_of_stay.event_order
        and joined.until_order > first_of_stay.event_order
)

-- One event may bring several persons with a marker. These persons share one alert, which stays open as long as one of
-- the persons is still a reason for it.
select
    family_id,
    event_order,
    concerns_family,
    list(person_id) as person_ids,
    case any_value(trigger_kind)
        when 'household' then 'joined the household of family '
        when 'address' then 'came to live at the address of family '
        when 'reported' then 'is reported to be back in family '
        else 'was marked while living in family '
    end || family_id || ', where a child lives.' as what_happened,
    list_distinct(flatten(list([evidence] || marker_evidence || joined_evidence))) as evidence,
    any_value(evidence) as anchor,
    any_value(occurred_at) as anchored_at,
    if(count(over_at) = count(*), max(over_at), null) as cleared_at,
    any_value(profile_id) as profile_id,
    any_value(is_backfill) as is_backfill
from judged
group by family_id, event_order, concerns_family
