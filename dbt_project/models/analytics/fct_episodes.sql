-- Episodes: cases of a service, from opening to closing.
with cases as (
    select
        family_id,
        case_id,
        arg_min(authority_code, event_order) as authority_code,
        min(event_order) as first_order,
        min(occurred_at) filter (fact = 'case-opened') as opened_at,
        arg_min(service_id, event_order) filter (fact = 'case-opened') as service_id,
        arg_min(service_kind, event_order) filter (fact = 'case-opened') as service_kind,
        arg_min(referral_id, event_order) filter (fact = 'case-opened') as referral_id,
        arg_max(fact, event_order) as last_fact,
        max(occurred_at) filter (fact = 'case-closed') as last_closed_at,
        arg_max(closure_reason, event_order) filter (fact = 'case-closed') as last_closure_reason,
        bool_and(is_backfill) as is_backfill
    from {{ ref('stg_events') }}
    where fact in ('case-opened', 'case-closed')
    group by family_id, case_id
)

select
    md5(concat_ws('|', cases.family_id, cases.case_id)) as episode_id,
    cases.family_id,
    cases.case_id,
    cases.authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code,
    cases.service_id,
    cases.service_kind,
    cases.referral_id,
    cases.opened_at,
    -- If a closed case is opened again, it counts as open.
    if(cases.last_fact = 'case-closed', cases.last_closed_at, null) as closed_at,
    if(cases.last_fact = 'case-closed', cases.last_closure_reason, null) as closure_reason,
    {{ elapsed(
        'cases.opened_at', "coalesce(if(cases.last_fact = 'case-closed', cases.last_closed_at, null), " ~ as_of() ~ ")", 8.64e10
    ) }} as days_open,
    cases.is_backfill
from cases
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = cases.family_id and places.from_order <= cases.first_order
