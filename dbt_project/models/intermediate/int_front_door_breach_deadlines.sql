-- Future moments at which the time of the warning or the time limit of a referral without a decision passes.
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
