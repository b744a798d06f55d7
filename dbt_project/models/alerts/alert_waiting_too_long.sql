-- The target days for a requested service have passed, and nobody has started, declined or cancelled the service. Each
-- kind of service has its own target days.
with found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        family_id,
        family_id as entity_id,
        'A service requested for family ' || family_id || ' (' || service_request_id
        || ') was not started, declined or cancelled within ' || target_days || ' days.' as reason,
        if(answer_evidence is null, [evidence], [evidence, answer_evidence]) as evidence,
        evidence as anchor,
        limit_at as anchored_at,
        limit_at as deadline,
        answered_at as cleared_at,
        profile_id,
        is_backfill
    from {{ ref('int_service_waits') }}
    where {{ has_run_out('limit_at', 'answered_at') }}
)

{{ alert_envelope('waiting_too_long', 'found') }}
