-- Need that somebody recorded and nobody met, by ward and month, with one row per kind of unmet need.
with requests as (
    select facts.*
    from {{ ref('fct_services_requested') }} as facts
    {{ of_covered_months('services', 'facts', local_date('facts.requested_at'), 'facts.event_source') }}
),

unmet as (
    select 'declined' as kind, family_id, authority_code, lsoa_code, requested_month as month_starts_on
    from requests
    where state = 'declined' and end_reason in ('no_capacity', 'criteria_not_met')
    union all
    select 'waiting_beyond_target', family_id, authority_code, lsoa_code, requested_month
    from requests
    where state = 'waiting' and is_beyond_target
    union all
    select
        'repeat_no_further_action',
        alerts.family_id,
        alerts.authority_code,
        coalesce(places.lsoa_code, 'unknown'),
        cast(date_trunc('month', alerts.anchored_on) as date)
    from {{ ref('fct_alerts') }} as alerts
    {{ of_covered_months('social_care', 'alerts', 'alerts.anchored_on', 'alerts.anchor_source') }}
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = alerts.family_id and places.from_at <= alerts.anchored_at
    where alerts.rule = 'repeat_no_further_action' and alerts.is_rebuilt
    union all
    select 'level_4_for_access', family_id, authority_code, lsoa_code, changed_month
    from {{ ref('fct_level_changes') }} as changes
    {{ of_covered_months('levels', 'changes', local_date('changes.changed_at'), 'changes.event_source') }}
    where level = 4 and direction in ('first', 'up') and level_reason = 'to_access_provision'
)

select
    unmet.authority_code,
    coalesce(areas.ward_code, 'unknown') as ward_code,
    coalesce(areas.ward_name, 'unknown') as ward_name,
    unmet.month_starts_on,
    unmet.kind,
    count(*) as occurrences,
    count(distinct unmet.family_id) as families
from unmet
left join {{ ref('dim_area') }} as areas using (authority_code, lsoa_code)
group by all
