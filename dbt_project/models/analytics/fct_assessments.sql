-- Assessments, from start to completion. A child and family assessment has a last day on which it can be completed in
-- time.
with started as (
    select
        family_id,
        assessment_id,
        arg_min(authority_code, event_order) as authority_code,
        min(event_order) as first_order,
        min(occurred_at) filter (fact = 'assessment-started') as started_at,
        arg_min(assessment_kind, event_order) filter (fact = 'assessment-started') as assessment_kind,
        arg_min(agency_id, event_order) filter (fact = 'assessment-started') as agency_id,
        arg_min(referral_id, event_order) filter (fact = 'assessment-started') as referral_id,
        min(occurred_at) filter (fact = 'assessment-completed') as completed_at,
        arg_max(factors, event_order) filter (fact = 'assessment-completed') as factors,
        arg_min(root_source, event_order) as event_source,
        bool_and(is_backfill) as is_backfill
    from {{ ref('stg_events') }}
    where fact in ('assessment-started', 'assessment-completed')
    group by family_id, assessment_id
),

-- The working days are counted from the referral, or from the start of the assessment if no referral is known.
dated as (
    select
        started.*,
        if(
            started.assessment_kind = 'child_and_family',
            {{ local_date('coalesce(referrals.submitted_at, started.started_at)') }},
            null
        ) as counted_from_on
    from started
    left join {{ ref('int_referrals') }} as referrals using (family_id, referral_id)
),

limited as (
    select
        dated.*,
        last_day.calendar_day as limit_on
    from dated
    left join {{ ref('int_working_days') }} as today on today.calendar_day = dated.counted_from_on
    left join {{ ref('int_working_days') }} as last_day
        on last_day.is_working_day
        and last_day.working_days_before
        = today.working_days_before + today.is_working_day::bigint + {{ var('assessment_working_days') }} - 1
)

select
    md5(concat_ws('|', assessments.family_id, assessments.assessment_id)) as assessment_key,
    assessments.family_id,
    assessments.assessment_id,
    assessments.authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code,
    assessments.assessment_kind,
    assessments.agency_id,
    assessments.started_at,
    assessments.completed_at,
    {{ elapsed('assessments.started_at', 'assessments.completed_at', 8.64e10) }} as days,
    assessments.referral_id,
    assessments.limit_on,
    case
        when assessments.completed_at < assessments.started_at or not {{ is_possible('assessments.started_at') }} then null
        when {{ local_date('assessments.completed_at') }} <= assessments.limit_on then true
        when {{ local_date(as_of()) }} > assessments.limit_on then false
    end as is_in_time,
    assessments.factors,
    assessments.is_backfill,
    assessments.event_source
from limited as assessments
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = assessments.family_id and places.from_order <= assessments.first_order
