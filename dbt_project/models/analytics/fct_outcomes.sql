-- Outcomes of families and children: the score at the start, the latest score, and the score six months after closure.
with scores as (
    select
        events.family_id,
        coalesce(identities.person_id, events.person_id, events.family_id) as subject_id,
        events.outcome_framework,
        events.outcome_number,
        events.outcome_stage,
        events.score,
        events.authority_code,
        events.root_source,
        events.event_order,
        events.occurred_at
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'outcome-recorded'
),

followed as (
    select
        family_id,
        subject_id,
        outcome_framework,
        outcome_number,
        arg_max(authority_code, event_order) as authority_code,
        arg_min(root_source, event_order) as event_source,
        min(event_order) as first_order,
        max(event_order) as last_order,
        min(occurred_at) as first_at,
        arg_min(score, event_order) filter (outcome_stage = 'baseline') as baseline,
        arg_max(score, event_order) filter (outcome_stage in ('review', 'closure', 'sustained')) as latest,
        arg_max(score, event_order) filter (outcome_stage = 'closure') as at_closure,
        arg_max(score, event_order) filter (outcome_stage = 'sustained') as sustained
    from scores
    group by family_id, subject_id, outcome_framework, outcome_number
)

select
    md5(concat_ws('|', followed.family_id, followed.subject_id, followed.outcome_framework, followed.outcome_number))
        as outcome_id,
    followed.family_id,
    followed.subject_id,
    followed.outcome_framework,
    followed.outcome_number,
    followed.authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code,
    cast(date_trunc('month', {{ local_date('followed.first_at') }}) as date) as began_month,
    followed.baseline,
    followed.latest,
    case
        when followed.baseline is null or followed.latest is null then 'not measured twice'
        when followed.latest > followed.baseline then 'better'
        when followed.latest < followed.baseline then 'worse'
        else 'same'
    end as change,
    followed.at_closure,
    followed.sustained,
    followed.sustained >= followed.at_closure as is_sustained,
    followed.event_source
from followed
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = followed.family_id and places.from_order <= followed.last_order
