-- When a family became open at a level that is high enough for services to act on concerns, and when this ended.
with statuses as (
    select
        statuses.*,
        coalesce(statuses.is_open and statuses.level >= profiles.concern_open_level, false) as is_acted_on
    from {{ ref('int_family_status') }} as statuses
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
),

turns as (
    select *
    from statuses
    window families as (order by family_id, from_order)
    qualify is_acted_on <> {{ before('is_acted_on', 'family_id', 'families', 'false') }}
)

-- Concerns are counted from the family's latest opening at such a level, even if the family is no longer open at such a
-- level.
select
    family_id,
    is_acted_on,
    from_order,
    {{ after('from_order', 'family_id', 'families', endless()) }} as until_order,
    if(is_acted_on, from_order, {{ before('from_order', 'family_id', 'families') }}) as counted_from,
    from_at,
    evidence,
    profile_id,
    is_backfill
from turns
window families as (order by family_id, from_order)
