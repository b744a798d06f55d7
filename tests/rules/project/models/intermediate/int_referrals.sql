with referrals as (
    select referral_id, family_id, occurred_at, incident_id, consent, root_source, root_id, evidence, is_backfill
    from {{ ref('stg_events') }} where fact = 'referral-submitted'
),
decisions as (
    select referral_id, min(occurred_at) as decided_at, min_by(evidence, occurred_at) as decision
    from {{ ref('stg_events') }} where fact = 'referral-decided' group by referral_id
)
select referrals.*, decided_at, decision from referrals left join decisions using (referral_id)
