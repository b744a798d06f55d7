-- The front door has not decided on a referral. The alert is amber from a set time before the limit, and red when the
-- limit has passed.
with judged as (
    select
        *,
        {{ has_run_out('warn_at', 'decided_at') }} as is_late,
        {{ has_run_out('limit_at', 'decided_at') }} as is_breach
    from {{ ref('int_referrals') }}
),

found as (
    select
        cast(null as varchar) as clause,
        if(is_breach, 'red', 'amber') as severity,
        family_id,
        referral_id as entity_id,
        'Referral ' || referral_id || ' of family ' || family_id || ' had no decision of the front door '
        || if(is_breach, limit_hours, warn_hours) || ' hours after it was submitted.' as reason,
        if(decision_evidence is null, [evidence], [evidence, decision_evidence]) as evidence,
        evidence as anchor,
        warn_at as anchored_at,
        limit_at as deadline,
        decided_at as cleared_at,
        profile_id,
        is_backfill
    from judged
    where is_late
)

{{ alert_envelope('front_door_breach', 'found') }}
