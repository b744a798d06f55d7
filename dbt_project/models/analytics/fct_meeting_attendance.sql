-- Attendance at assessments, team-around-the-family meetings and reviews. Each meeting has a row for each role that an
-- adult in the household had at the time. The row says whether an adult with that role attended. Events name the role
-- and not the person.
with meetings as (
    select
        case fact when 'assessment-completed' then 'assessment' when 'taf-meeting-held' then 'taf_meeting' else 'review' end
            as meeting_kind,
        coalesce(meeting_id, assessment_id, review_id) as meeting_id,
        family_id,
        authority_code,
        participants,
        event_order,
        occurred_at,
        root_source as event_source,
        is_backfill
    from {{ ref('stg_events') }}
    where fact in ('assessment-completed', 'taf-meeting-held', 'review-held')
),

adults as (
    select distinct
        meetings.event_order,
        stays.household_role as adult_role
    from meetings
    inner join {{ ref('int_household_stays') }} as stays
        on stays.family_id = meetings.family_id
        and stays.from_order < meetings.event_order
        and stays.until_order > meetings.event_order
    where stays.household_role not in ('child', 'unborn')
)

select
    meetings.event_order,
    meetings.meeting_kind,
    meetings.meeting_id,
    meetings.family_id,
    meetings.authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code,
    meetings.occurred_at as held_at,
    cast(date_trunc('month', {{ local_date('meetings.occurred_at') }}) as date) as held_month,
    adults.adult_role,
    coalesce(list_contains(meetings.participants, adults.adult_role), false) as took_part,
    meetings.is_backfill,
    meetings.event_source
from meetings
inner join adults using (event_order)
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = meetings.family_id and places.from_order <= meetings.event_order
