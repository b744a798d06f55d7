{{ config(meta={'empty_without': ['referral-submitted[severity=red]', 'escalation-reported[severity=red]']}) }}
-- A red referral or escalation arrived outside working hours.
-- What was sent as history arrived at nobody's desk when it was loaded: its own time counts as its arrival.
with urgent as (
    select
        family_id,
        fact,
        coalesce(referral_id, escalation_id) as report_id,
        if(is_backfill, occurred_at, received_at) as arrived_at,
        occurred_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact in ('referral-submitted', 'escalation-reported') and severity = 'red'
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        urgent.family_id,
        urgent.family_id as entity_id,
        if(urgent.fact = 'referral-submitted', 'A red referral (', 'A red escalation (') || urgent.report_id
        || ') of family ' || urgent.family_id || ' arrived outside working hours.' as reason,
        [urgent.evidence] as evidence,
        urgent.evidence as anchor,
        urgent.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        urgent.profile_id,
        urgent.is_backfill
    from urgent
    left join {{ ref('int_working_days') }} as today on today.calendar_day = {{ local_date('urgent.arrived_at') }}
    where not coalesce({{ is_working_time('today', 'urgent.arrived_at') }}, false)
)

{{ alert_envelope('out_of_hours', 'found') }}
