-- Organisations that events name. An event names an organisation that refers, reports, assesses or is notified.
select
    agency_id,
    arg_max(authority_code, event_order) as authority_code,
    arg_max(sources.source_group, event_order) as source_group,
    {{ local_date('min(occurred_at) filter (' ~ is_possible('occurred_at') ~ ')') }} as first_named_on,
    {{ local_date('max(occurred_at)') }} as last_named_on
from {{ ref('stg_events') }}
left join {{ ref('referral_sources') }} as sources using (source_code)
where agency_id is not null
group by agency_id
