-- Gaps in the work with open families that became too long or can still become too long. One kind of gap runs from the
-- opening, a review or a visit to the next review or visit. The other kind runs from the opening to the assignment of a
-- lead professional. A review or visit before the opening does not end a gap.
with turns as (
    select
        family_id,
        is_open,
        from_order,
        from_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('int_family_status') }}
    window families as (order by family_id, from_order)
    qualify is_open <> {{ before('is_open', 'family_id', 'families', 'false') }}
),

bounded as (
    select
        *,
        {{ before('from_order', 'family_id', 'families', '0') }} as closed_before_order,
        {{ after('from_order', 'family_id', 'families', endless()) }} as until_order,
        {{ after('from_at', 'family_id', 'families') }} as until_at,
        {{ after('evidence', 'family_id', 'families') }} as closing_evidence
    from turns
    window families as (order by family_id, from_order)
),

openings as (
    select * from bounded where is_open
),

contacts as (
    select
        openings.from_order as opening_order,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill
    from openings
    inner join {{ ref('stg_events') }} as events
        on events.family_id = openings.family_id
        and events.event_order > openings.from_order
        and events.event_order < openings.until_order
    where events.fact in ('review-held', 'family-seen')
    union all
    select
        from_order,
        from_order,
        from_at,
        evidence,
        profile_id,
        is_backfill
    from openings
),

followed as (
    select
        *,
        {{ after('occurred_at', 'opening_order', 'in_turn') }} as next_at,
        {{ after('evidence', 'opening_order', 'in_turn') }} as next_evidence
    from contacts
    window in_turn as (order by opening_order, event_order)
),

-- A lead professional who was assigned before the family was opened also counts, unless the family was closed between
-- the assignment and the opening.
led as (
    select
        openings.from_order as opening_order,
        min(events.occurred_at) as lead_at,
        arg_min(events.evidence, events.event_order) as lead_evidence
    from openings
    inner join {{ ref('stg_events') }} as events
        on events.family_id = openings.family_id
        and events.event_order > openings.closed_before_order
        and events.event_order < openings.until_order
    where events.fact = 'lead-professional-assigned'
    group by openings.from_order
),

-- Five working days are five times the working hours of one day. In years that the calendar does not contain, all days
-- count.
lead_targets as (
    select
        openings.from_order as opening_order,
        profiles.working_day_starts,
        profiles.working_day_ends,
        {{ worked_before('today', 'openings.from_at', 'profiles') }}
        + profiles.drift_lead_working_days * {{ working_day('profiles') }} as target
    from openings
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    inner join {{ ref('int_working_days') }} as today on today.calendar_day = {{ local_date('openings.from_at') }}
),

lead_dues as (
    select
        lead_targets.opening_order,
        {{ end_of_working_time('days.calendar_day', 'lead_targets.target', 'lead_targets') }} as due_at
    from lead_targets
    inner join {{ ref('int_working_days') }} as days
        on days.working_days_before = {{ full_working_days('lead_targets.target', 'lead_targets') }}
    where days.is_working_day
),

gaps as (
    select
        openings.family_id,
        openings.evidence as opening_evidence,
        'contact' as gap_kind,
        followed.event_order as from_order,
        followed.evidence,
        followed.profile_id,
        followed.is_backfill,
        profiles.drift_contact_days as limit_days,
        followed.occurred_at + to_days(profiles.drift_contact_days) as due_at,
        coalesce(followed.next_at, openings.until_at) as ended_at,
        coalesce(followed.next_evidence, openings.closing_evidence) as end_evidence
    from openings
    inner join followed on followed.opening_order = openings.from_order
    inner join {{ ref('stg_practice_profiles') }} as profiles on profiles.profile_id = followed.profile_id
    union all by name
    select
        openings.family_id,
        openings.evidence as opening_evidence,
        'lead' as gap_kind,
        openings.from_order,
        openings.evidence,
        openings.profile_id,
        openings.is_backfill,
        profiles.drift_lead_working_days as limit_days,
        coalesce(lead_dues.due_at, openings.from_at + to_days(profiles.drift_lead_working_days)) as due_at,
        coalesce(led.lead_at, openings.until_at) as ended_at,
        coalesce(led.lead_evidence, openings.closing_evidence) as end_evidence
    from openings
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    left join lead_dues on lead_dues.opening_order = openings.from_order
    left join led on led.opening_order = openings.from_order
)

select *
from gaps
where ended_at is null or ended_at > due_at
