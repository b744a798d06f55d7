-- Need comes back within six months of a step-down: the level rises, or a referral comes. A step-down is a lower level
-- or the closure of a case. A closure because of a move to another authority or a death is not a step-down.
with told as (
    select
        family_id,
        fact,
        closure_reason,
        referral_id,
        level,
        {{ before('level', '(family_id, fact)', 'facts') }} as level_before,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact in ('level-changed', 'case-closed', 'referral-submitted')
    window facts as (order by family_id, fact, event_order)
),

-- A lower level or a closure is a step-down. A higher level or a referral means that need comes back. The first level
-- of a family is neither.
steps as (
    select
        *,
        fact = 'case-closed' or coalesce(level < level_before, false) as is_down
    from told
    where
        (fact = 'level-changed' and level <> level_before)
        or (fact = 'case-closed' and closure_reason not in ('RC2', 'RC5'))
        or fact = 'referral-submitted'
),

risen as (
    select
        steps.*,
        {{ months_before('steps.occurred_at', 'profiles.step_down_months') }} as window_from,
        profiles.step_down_months
    from steps
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    where not steps.is_down
),

lowered as (
    select
        risen.event_order,
        arg_max(steps.evidence, steps.event_order) as evidence,
        arg_max(steps.fact, steps.event_order) as fact
    from risen
    inner join steps
        on steps.family_id = risen.family_id
        and steps.is_down
        and steps.event_order < risen.event_order
        and steps.occurred_at >= risen.window_from
    group by risen.event_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        risen.family_id,
        risen.family_id as entity_id,
        if(
            risen.fact = 'level-changed',
            'The level of need of family ' || risen.family_id || ' rose from ' || risen.level_before || ' to '
            || risen.level,
            'Family ' || risen.family_id || ' was referred (' || risen.referral_id || ')'
        ) || ' within ' || risen.step_down_months || ' months of '
        || if(lowered.fact = 'case-closed', 'the closure of a case.', 'a lower level.') as reason,
        [risen.evidence, lowered.evidence] as evidence,
        risen.evidence as anchor,
        risen.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        risen.profile_id,
        risen.is_backfill
    from risen
    inner join lowered using (event_order)
    -- A referral that is sent again is the same referral.
    qualify row_number() over (
        partition by risen.family_id, coalesce('referral:' || risen.referral_id, 'event:' || risen.event_order)
        order by risen.event_order
    ) = 1
)

{{ alert_envelope('step_down_failed', 'found', anchors='several') }}
