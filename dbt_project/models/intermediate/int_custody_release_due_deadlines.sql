-- Future moments at which a planned release becomes near or very near (the alert is raised or becomes red), or is over.
with moments as (
    select
        family_id,
        cleared_at,
        unnest([due_from, red_from, over_at]) as due_at
    from {{ ref('int_custody_releases') }}
)

select distinct
    family_id,
    due_at
from moments
where {{ may_run_out('due_at', 'cleared_at') }}
