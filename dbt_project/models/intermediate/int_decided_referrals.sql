-- Referrals on which the front door has decided. Feedback to referrers is made from this model. No rule reads it.
select
    family_id,
    referral_id,
    source_code,
    nullif(nullif(agency_key, 'individuals'), 'source:' || source_code) as agency_id,
    decision,
    decided_at,
    is_backfill or is_decision_backfill as is_backfill
from {{ ref('int_referrals') }}
where decision is not null
