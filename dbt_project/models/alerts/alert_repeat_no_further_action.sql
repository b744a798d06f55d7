{{ config(meta={'empty_without': ['referral-decided']}) }}
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

-- Judged at the time of each decision, with it and without it; said twice of one referral, it is one.
judged as (
    select
        decisions.event_order,
        list_unique(list(made.referral_id)) as referrals,
        coalesce(
            list_unique(list(made.referral_id) filter (made.event_order < decisions.event_order)), 0
        ) as referrals_before,
        list(made.evidence) as evidence
    from decisions
    inner join decisions as made
        on made.family_id = decisions.family_id
        and made.event_order <= decisions.event_order
        and made.occurred_at >= decisions.window_from
    group by decisions.event_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        decisions.family_id,
        decisions.family_id as entity_id,
        'Within ' || decisions.no_further_action_months || ' months ' || judged.referrals || ' referrals of family '
        || decisions.family_id || ' ended with no further action.' as reason,
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
        judged.referrals >= decisions.no_further_action_count
        and judged.referrals_before < decisions.no_further_action_count
)

{{ alert_envelope('repeat_no_further_action', 'found') }}
