-- The level of need and the open cases of a family after each event that changes one of them.
with changes as (
    select
        family_id,
        fact,
        level,
        level_reason,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill,
        {{ before('fact', "(family_id, coalesce(case_id, fact))", 'cases', "'case-closed'") }} as case_before
    from {{ ref('stg_events') }}
    where fact in ('level-changed', 'case-opened', 'case-closed')
    window cases as (order by family_id, coalesce(case_id, fact), event_order)
),

-- A case that is opened twice counts as one open case. Closing a case that is not open changes nothing.
counted as (
    select
        *,
        case
            when fact = case_before then 0
            when fact = 'case-opened' then 1
            when fact = 'case-closed' then -1
            else 0
        end as case_change
    from changes
)

select
    family_id,
    fact,
    last_value(level ignore nulls) over so_far as level,
    level_reason,
    sum(case_change) over so_far > 0 as is_open,
    event_order as from_order,
    lead(event_order, 1, {{ endless() }}) over family as until_order,
    occurred_at as from_at,
    lead(occurred_at) over family as until_at,
    evidence,
    profile_id,
    is_backfill
from counted
window
    family as (partition by family_id order by event_order),
    so_far as (partition by family_id order by event_order rows between unbounded preceding and current row)
