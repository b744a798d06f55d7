-- A second referral within 12 months ends with no further action.
with decisions as (
    select
        events.family_id,
        events.referral_id,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill,
        {{ months_before('events.occurred_at', 'profiles.no_further_action_months') }} as window_from,
        profiles.no_further_action_months,
        profiles.no_further_action_count
    from {{ ref('stg_events') }} as events
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    where events.fact = 'referral-decided' and events.decision = 'no_further_action'
),

-- For each decision, the number of referrals with that decision, and the number without it. Two decisions on one
-- referral count once.
judged as ({{ different_in_window('decisions', 'referral_id') }}),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        decisions.family_id,
        decisions.family_id as entity_id,
        judged.counted || ' referrals of family ' || decisions.family_id || ' ended with no further action within '
        || decisions.no_further_action_months || ' months.' as reason,
        judged.evidence,
        decisions.evidence as anchor,
        decisions.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        decisions.profile_id,
        decisions.is_backfill
    from decisions
    inner join judged using (event_order)
    where
        judged.counted >= decisions.no_further_action_count
        and judged.counted_before < decisions.no_further_action_count
)

{{ alert_envelope('repeat_no_further_action', 'found') }}
