-- A referral that was sent to the hub (MASH) has not been allocated to a service. The alert is amber from a set time
-- before the limit, and red when the limit has passed.
with judged as (
    select
        *,
        {{ has_run_out('warn_at', 'allocated_at') }} as is_late,
        {{ has_run_out('limit_at', 'allocated_at') }} as is_breach
    from {{ ref('int_mash_waits') }}
),

found as (
    select
        cast(null as varchar) as clause,
        if(is_breach, 'red', 'amber') as severity,
        family_id,
        referral_id as entity_id,
        'Referral ' || referral_id || ' of family ' || family_id || ' was not allocated to a service '
        || if(is_breach, limit_hours, warn_hours) || ' hours after it was sent to the multi-agency safeguarding hub.'
        as reason,
        if(allocation_evidence is null, [evidence], [evidence, allocation_evidence]) as evidence,
        evidence as anchor,
        warn_at as anchored_at,
        limit_at as deadline,
        allocated_at as cleared_at,
        profile_id,
        is_backfill
    from judged
    where is_late
)

{{ alert_envelope('mash_breach', 'found') }}
