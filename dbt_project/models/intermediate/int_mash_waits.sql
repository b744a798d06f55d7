-- Waits of referrals at the hub (MASH). A wait begins when the front door sends the referral to the hub, and ends with
-- the next allocation. If a referral is sent to the hub again while it waits there, its wait still counts from the
-- first time. An allocation before the decision does not end the wait, but an allocation at the same moment does.
with turns as (
    select
        family_id,
        referral_id,
        fact,
        fact = 'referral-decided' as is_waiting,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where (fact = 'referral-decided' and decision = 'mash') or fact = 'referral-allocated'
    window referrals as (order by family_id, referral_id, occurred_at, fact desc, event_order)
    qualify (fact = 'referral-decided')
        <> {{ before("fact = 'referral-decided'", '(family_id, referral_id)', 'referrals', 'false') }}
),

waits as (
    select
        *,
        {{ after('occurred_at', '(family_id, referral_id)', 'referrals') }} as allocated_at,
        {{ after('evidence', '(family_id, referral_id)', 'referrals') }} as allocation_evidence
    from turns
    window referrals as (order by family_id, referral_id, occurred_at, fact desc, event_order)
)

select
    waits.family_id,
    waits.referral_id,
    waits.event_order,
    waits.occurred_at as decided_at,
    waits.evidence,
    waits.profile_id,
    waits.is_backfill,
    waits.allocated_at,
    waits.allocation_evidence,
    profiles.mash_warn_hours as warn_hours,
    profiles.mash_limit_hours as limit_hours,
    waits.occurred_at + to_hours(profiles.mash_warn_hours) as warn_at,
    waits.occurred_at + to_hours(profiles.mash_limit_hours) as limit_at
from waits
inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
where waits.is_waiting
