-- Somebody opened a family in an emergency, although the account is for other areas. The manager looks at each opening.
with found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        family_id,
        family_id as entity_id,
        'The account ' || worker_id || ' opened family ' || family_id
        || ' in an emergency, without a right to see it. The reason given: '
        || case
            when emergency_reason = 'immediate_danger' then 'a child is in immediate danger'
            when emergency_reason = 'covering_desk' then 'covering the desk of another area'
            when emergency_reason = 'family_moved' then 'the family has moved here'
            when emergency_reason = 'asked_by_manager' then 'asked by a manager'
        end || '.' as reason,
        [evidence] as evidence,
        evidence as anchor,
        occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact = 'opened-in-emergency'
)

{{ alert_envelope('opened_without_right', 'found') }}
