-- Future moments at which a referral without a decision reaches the time of the warning or the time limit.
with moments as (
    select
        family_id,
        decided_at,
        unnest([warn_at, limit_at]) as due_at
    from {{ ref('int_referrals') }}
)

select distinct
    family_id,
    due_at
from moments
where {{ may_run_out('due_at', 'decided_at') }}
