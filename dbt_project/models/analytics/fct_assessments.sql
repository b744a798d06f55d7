-- Assessments, from start to completion.
with started as (
    select
        family_id,
        assessment_id,
        arg_min(authority_code, event_order) as authority_code,
        min(event_order) as first_order,
        min(occurred_at) filter (fact = 'assessment-started') as started_at,
        arg_min(assessment_kind, event_order) filter (fact = 'assessment-started') as assessment_kind,
        arg_min(agency_id, event_order) filter (fact = 'assessment-started') as agency_id,
        min(occurred_at) filter (fact = 'assessment-completed') as completed_at,
        arg_max(factors, event_order) filter (fact = 'assessment-completed') as factors,
        bool_and(is_backfill) as is_backfill
    from {{ ref('stg_events') }}
    where fact in ('assessment-started', 'assessment-completed')
    group by family_id, assessment_id
)

select
    md5(concat_ws('|', started.family_id, started.assessment_id)) as assessment_key,
    started.family_id,
    started.assessment_id,
    started.authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code,
    started.assessment_kind,
    started.agency_id,
    started.started_at,
    started.completed_at,
    epoch_us(started.completed_at - started.started_at) / 8.64e10 as days,
    started.factors,
    started.is_backfill
from started
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = started.family_id and places.from_order <= started.first_order
