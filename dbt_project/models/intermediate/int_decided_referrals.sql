{{ config(meta={'empty_without': ['referral-submitted']}) }}
-- Referrals that the front door has decided: whom to tell what. No rule reads it.
with decided as (
    select
        family_id,
        referral_id,
        source_code,
        nullif(nullif(agency_key, 'individuals'), 'source:' || source_code) as agency_id,
        decision,
        decided_at,
        decision_evidence,
        is_backfill
    from {{ ref('int_referrals') }}
    where decision is not null
)

select
    decided.* exclude (decision_evidence, is_backfill),
    decided.is_backfill or events.is_backfill as is_backfill
from decided
inner join {{ ref('stg_events') }} as events on events.evidence = decided.decision_evidence
