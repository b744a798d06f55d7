-- Changes of a family's level of need, each with the level before the change.
with levels as (
    select
        family_id,
        level,
        level_reason,
        event_order,
        occurred_at,
        authority_code,
        evidence,
        is_backfill,
        {{ before('level', 'family_id', 'families') }} as level_before
    from {{ ref('stg_events') }}
    where fact = 'level-changed'
    window families as (order by family_id, event_order)
)

select
    levels.evidence.source as event_source,
    levels.evidence.id as event_id,
    levels.family_id,
    levels.authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code,
    levels.occurred_at as changed_at,
    cast(date_trunc('month', {{ local_date('levels.occurred_at') }}) as date) as changed_month,
    levels.level_before,
    levels.level,
    case
        when levels.level_before is null then 'first'
        when levels.level > levels.level_before then 'up'
        when levels.level < levels.level_before then 'down'
        else 'same'
    end as direction,
    levels.level_reason,
    levels.event_order,
    levels.is_backfill
from levels
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = levels.family_id and places.from_order <= levels.event_order
