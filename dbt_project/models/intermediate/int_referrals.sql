-- Referrals, the first decision on each of them, and the moments by which that decision was due. Decisions of the
-- emergency duty team do not count as front door decisions.
with submitted as (
    select
        family_id,
        referral_id,
        coalesce('incident:' || incident_id, 'referral:' || referral_id) as incident_key,
        authority_code,
        source_code,
        agency_key,
        severity,
        primary_need,
        -- A referral that is sent again is the same referral. It is about all the children that any of its submissions
        -- names.
        list_distinct(flatten(list(person_ids) over (partition by family_id, referral_id))) as person_ids,
        consent,
        consent_reason,
        gateway,
        service_kind,
        lsoa_code,
        event_order,
        occurred_at as submitted_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact = 'referral-submitted'
    qualify row_number() over (partition by family_id, referral_id order by event_order) = 1
),

decisions as (
    select
        family_id,
        referral_id,
        arg_min(decision, event_order) as decision,
        min(occurred_at) as decided_at,
        arg_min(evidence, event_order) as decision_evidence,
        arg_min(is_backfill, event_order) as is_decision_backfill
    from {{ ref('stg_events') }}
    where fact = 'referral-decided' and decision <> 'edt'
    group by family_id, referral_id
),

timed as (
    select
        submitted.*,
        decisions.decision,
        decisions.decided_at,
        decisions.decision_evidence,
        decisions.is_decision_backfill,
        profiles.front_door_clock,
        profiles.working_day_starts,
        profiles.working_day_ends,
        case submitted.severity
            when 'red' then profiles.front_door_warn_hours_red
            when 'amber' then profiles.front_door_warn_hours_amber
            else profiles.front_door_warn_hours_green
        end as warn_hours,
        case submitted.severity
            when 'red' then profiles.front_door_limit_hours_red
            when 'amber' then profiles.front_door_limit_hours_amber
            else profiles.front_door_limit_hours_green
        end as limit_hours
    from submitted
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    left join decisions using (family_id, referral_id)
),

-- Working time from the beginning of the calendar to the submission, in microseconds.
worked as (
    select
        timed.event_order,
        timed.warn_hours,
        timed.limit_hours,
        timed.working_day_starts,
        timed.working_day_ends,
        {{ worked_before('today', 'timed.submitted_at', 'timed') }} as worked_before
    from timed
    inner join {{ ref('int_working_days') }} as today on today.calendar_day = {{ local_date('timed.submitted_at') }}
    where timed.front_door_clock = 'working'
),

targets as (
    select
        event_order,
        working_day_starts,
        working_day_ends,
        worked_before + warn_hours * {{ hour() }} as warn_target,
        worked_before + limit_hours * {{ hour() }} as limit_target
    from worked
),

working_clock as (
    select
        targets.event_order,
        {{ end_of_working_time('warn_day.calendar_day', 'targets.warn_target', 'targets') }} as warn_at,
        {{ end_of_working_time('limit_day.calendar_day', 'targets.limit_target', 'targets') }} as limit_at
    from targets
    inner join {{ ref('int_working_days') }} as warn_day
        on warn_day.working_days_before = {{ full_working_days('targets.warn_target', 'targets') }}
    inner join {{ ref('int_working_days') }} as limit_day
        on limit_day.working_days_before = {{ full_working_days('targets.limit_target', 'targets') }}
    where warn_day.is_working_day and limit_day.is_working_day
)

-- In years that the calendar does not contain, all hours count.
select
    timed.* exclude (front_door_clock, working_day_starts, working_day_ends),
    coalesce(working_clock.warn_at, timed.submitted_at + to_hours(timed.warn_hours)) as warn_at,
    coalesce(working_clock.limit_at, timed.submitted_at + to_hours(timed.limit_hours)) as limit_at
from timed
left join working_clock using (event_order)
