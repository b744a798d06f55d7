-- A family is raised to level 4 only to get access to a provision. The level change gives this as its reason, and the
-- latest assessment, if there is one, found no factor that calls for level 4.
with levels as (
    select
        family_id,
        level,
        level_reason,
        {{ before('level', 'family_id', 'families') }} as level_before,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact = 'level-changed'
    window families as (order by family_id, event_order)
),

raised as (
    select levels.*
    from levels
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    where
        levels.level >= profiles.access_level
        and coalesce(levels.level_before < profiles.access_level, true)
        and levels.level_reason = 'to_access_provision'
),

-- If the latest assessment found any factor other than `20` (other) and `21` (none identified), there is no alert.
assessed as (
    select
        raised.event_order,
        arg_max(
            {
                'evidence': assessments.evidence,
                'has_factor': len(list_filter(
                    coalesce(assessments.factors, []), lambda factor: factor not in ('20', '21')
                )) > 0
            },
            assessments.event_order
        ) as latest
    from raised
    inner join {{ ref('stg_events') }} as assessments
        on assessments.family_id = raised.family_id
        and assessments.event_order < raised.event_order
    where assessments.fact = 'assessment-completed'
    group by raised.event_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        raised.family_id,
        raised.family_id as entity_id,
        'Family ' || raised.family_id || ' was raised to level ' || raised.level || ' to get access to a provision, and '
        || if(
            assessed.latest is null,
            'no assessment has been completed.',
            'the latest assessment found no factor that calls for it.'
        ) as reason,
        if(assessed.latest is null, [raised.evidence], [raised.evidence, assessed.latest.evidence]) as evidence,
        raised.evidence as anchor,
        raised.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        raised.profile_id,
        raised.is_backfill
    from raised
    left join assessed using (event_order)
    where not coalesce(assessed.latest.has_factor, false)
)

{{ alert_envelope('level_4_for_access', 'found') }}
