-- Future moments at which a referral that waits at the hub (MASH) reaches the time of the warning or the time limit.
with moments as (
    select
        family_id,
        allocated_at,
        unnest([warn_at, limit_at]) as due_at
    from {{ ref('int_mash_waits') }}
)

select distinct
    family_id,
    due_at
from moments
where {{ may_run_out('due_at', 'allocated_at') }}
