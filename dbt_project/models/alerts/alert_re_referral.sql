-- A referral comes within 12 months after an earlier referral about a different incident. It does not matter what was
-- decided on the earlier referral.
with submitted as (
    select
        events.family_id,
        events.referral_id,
        events.incident_id,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill,
        {{ months_before('events.occurred_at', 'profiles.re_referral_months') }} as window_from,
        profiles.re_referral_months
    from {{ ref('stg_events') }} as events
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    where events.fact = 'referral-submitted'
),

-- A referral that names no incident counts as being about an incident of its own. A referral that is sent again is the
-- same referral.
earlier as (
    select
        later.event_order,
        arg_max(earlier.evidence, earlier.event_order) as evidence,
        arg_max(earlier.referral_id, earlier.event_order) as referral_id
    from submitted as later
    inner join submitted as earlier
        on earlier.family_id = later.family_id
        and earlier.event_order < later.event_order
        and earlier.occurred_at >= later.window_from
        and earlier.referral_id <> later.referral_id
        and coalesce(earlier.incident_id <> later.incident_id, true)
    group by later.event_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        submitted.family_id,
        submitted.family_id as entity_id,
        'Family ' || submitted.family_id || ' was referred again (' || submitted.referral_id || ') within '
        || submitted.re_referral_months || ' months of referral ' || earlier.referral_id || '.' as reason,
        [submitted.evidence, earlier.evidence] as evidence,
        submitted.evidence as anchor,
        submitted.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        referrals.decided_at as cleared_at,
        submitted.profile_id,
        submitted.is_backfill
    from submitted
    inner join earlier using (event_order)
    inner join {{ ref('int_referrals') }} as referrals
        on referrals.family_id = submitted.family_id and referrals.referral_id = submitted.referral_id
)

{{ alert_envelope('re_referral', 'found') }}
