-- Domestic abuse incidents, and the children whose schools must be told of them. Each row has the time by which the
-- school must be told, and the time when it was told.
with incidents as (
    select
        family_id,
        incident_id,
        coalesce('incident:' || incident_id, 'event:' || event_order) as incident_key,
        person_ids,
        authority_code,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact = 'escalation-reported' and escalation_kind = 'domestic_abuse_incident'
),

-- If an incident happens on a school day before school begins, the next school day is that same day.
due as (
    select
        incidents.*,
        {{ utc_time(
            "if("
            ~ "coalesce(own.is_school_day, others.is_school_day)"
            ~ " and cast(" ~ local_time("incidents.occurred_at") ~ " as time) < profiles.school_day_starts,"
            ~ " incidents_day.calendar_day,"
            ~ " coalesce(own.next_school_day, others.next_school_day)"
            ~ ") + profiles.school_day_starts"
        ) }} as due_at
    from incidents
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    inner join {{ ref('int_working_days') }} as incidents_day
        on incidents_day.calendar_day = {{ local_date('incidents.occurred_at') }}
    left join {{ ref('int_school_days') }} as own
        on own.authority_code = incidents.authority_code and own.calendar_day = incidents_day.calendar_day
    left join {{ ref('int_school_days') }} as others
        on others.authority_code = '*' and others.calendar_day = incidents_day.calendar_day
),

named as (
    select
        named_ids.event_order,
        named_ids.occurred_at,
        coalesce(identities.person_id, named_ids.identifier) as person_id
    from (select event_order, occurred_at, unnest(person_ids) as identifier from due) as named_ids
    left join {{ ref('int_identities') }} as identities using (identifier)
),

joined as (
    select
        events.family_id,
        events.person_id as identifier,
        coalesce(identities.person_id, events.person_id) as person_id,
        events.household_role,
        events.event_order
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'household-joined'
),

-- The households in which the persons in the report live, with the latest recorded role of each person there. Through a
-- person with an over-shared id, no other household is found.
homes as (
    select
        named.event_order,
        named.occurred_at,
        stays.family_id,
        stays.person_id,
        arg_max(joined.household_role, joined.event_order) as household_role
    from named
    inner join {{ ref('int_household_stays') }} as stays
        on stays.person_id = named.person_id
        and stays.from_order < named.event_order
        and stays.until_order > named.event_order
    inner join joined
        on joined.family_id = stays.family_id
        and joined.person_id = stays.person_id
        and joined.event_order < named.event_order
    where named.person_id not in {{ crowds('person') }}
    group by named.event_order, named.occurred_at, stays.family_id, stays.person_id
),

-- The household of the family in the report, and the households of the adults whom the report names.
households as (
    select
        event_order,
        family_id
    from due
    union
    select
        homes.event_order,
        homes.family_id
    from homes
    left join {{ ref('int_person_records') }} as records
        on records.person_id = homes.person_id
        and records.from_order < homes.event_order
        and records.until_order > homes.event_order
    where not coalesce({{ is_child('records', 'homes.household_role', 'homes.occurred_at') }}, false)
),

members as (
    select
        due.event_order,
        due.occurred_at,
        due.due_at,
        stays.person_id,
        arg_max(joined.household_role, joined.event_order) as household_role,
        arg_min(joined.identifier, joined.event_order) as child_id
    from households
    inner join due using (event_order)
    inner join {{ ref('int_household_stays') }} as stays
        on stays.family_id = households.family_id
        and stays.from_order < households.event_order
        and stays.until_order > households.event_order
    inner join joined
        on joined.family_id = stays.family_id
        and joined.person_id = stays.person_id
        and joined.event_order < households.event_order
    group by due.event_order, due.occurred_at, due.due_at, stays.person_id
),

-- A child counts if he or she was a child at the time of the incident, and is old enough for school on the day by which
-- the school must be told.
children as (
    select
        members.event_order,
        members.person_id,
        members.child_id
    from members
    left join {{ ref('int_person_records') }} as records
        on records.person_id = members.person_id
        and records.from_order < members.event_order
        and records.until_order > members.event_order
    where {{ is_school_age('records', 'members.household_role', 'members.occurred_at', 'members.due_at') }}
),

recorded as (
    select
        coalesce(identities.person_id, events.person_id) as person_id,
        events.is_home_educated,
        events.event_order
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'person-recorded' and events.person_id not in {{ crowds('person') }}
),

-- The latest record before the incident says whether the child is educated at home.
schooled as (
    select
        children.event_order,
        children.person_id,
        arg_max(recorded.is_home_educated, recorded.event_order) as is_home_educated
    from children
    inner join recorded
        on recorded.person_id = children.person_id and recorded.event_order < children.event_order
    group by children.event_order, children.person_id
),

told as (
    select
        events.incident_id,
        coalesce(identities.person_id, events.person_id) as person_id,
        -- Under an over-shared id, a notice in another family is about a different person, so it does not count.
        if(events.person_id in {{ crowds('person') }}, events.family_id, null) as only_family,
        events.occurred_at,
        events.evidence,
        events.event_order
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'school-notified'
),

notices as (
    select
        incident_id,
        person_id,
        only_family,
        min(occurred_at) as notified_at,
        arg_min(evidence, event_order) as notice_evidence
    from told
    group by incident_id, person_id, only_family
)

-- A child has only one notice for an incident, which comes from the first report about the child. A later report of the
-- incident may name another adult, and so add more children.
select
    due.family_id,
    children.child_id,
    due.event_order,
    coalesce(schooled.is_home_educated, false) as is_home_educated,
    due.evidence,
    due.profile_id,
    due.is_backfill,
    due.due_at,
    notices.notified_at,
    notices.notice_evidence
from children
inner join due using (event_order)
left join schooled using (event_order, person_id)
left join notices
    on notices.incident_id = due.incident_id
    and notices.person_id = children.person_id
    and coalesce(notices.only_family = due.family_id, true)
qualify row_number() over (
    partition by due.family_id, due.incident_key, children.person_id order by due.event_order
) = 1
