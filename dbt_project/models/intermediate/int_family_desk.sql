-- Who works with a family, as far as is known: the desks and people who may receive an alert about the family. No rule
-- reads this model.
with told as (
    select
        family_id,
        arg_max(authority_code, event_order) as authority_code,
        arg_max(nullif(gateway, 'single'), event_order) as gateway,
        coalesce(arg_max(is_address_protected, event_order) filter (fact = 'address-changed'), false) as is_protected,
        -- The family's latest answer about sharing counts. Neither a consent to receive help nor the consent answer on
        -- a referral is a consent to share.
        coalesce(
            arg_max(fact, event_order) filter (consent_scope = 'share_information') = 'consent-given', false
        ) as is_sharing_consented,
        -- If the family moves to an address whose place is unknown, the earlier place no longer counts.
        arg_max(if(fact = 'address-changed', coalesce(lsoa_code, 'unknown'), lsoa_code), event_order) as lsoa_code
    from {{ ref('stg_events') }}
    where family_id is not null
    group by family_id
),

cases as (
    select
        family_id,
        case_id,
        arg_max(service_id, event_order) as service_id
    from {{ ref('stg_events') }}
    where fact in ('case-opened', 'case-closed')
    group by family_id, case_id
    having arg_max(fact, event_order) = 'case-opened'
),

services as (
    select
        family_id,
        list_sort(list_distinct(list(service_id))) as service_ids
    from cases
    group by family_id
),

closings as (
    select family_id, from_order
    from {{ ref('int_family_status') }}
    window families as (order by family_id, from_order)
    qualify not is_open and {{ before('is_open', 'family_id', 'families', 'false') }}
),

-- A lead professional who was assigned before the family was opened also counts, unless the family was closed after the
-- assignment.
led as (
    select
        events.family_id,
        arg_max(events.worker_id, events.event_order) as lead_professional
    from {{ ref('stg_events') }} as events
    left join closings on closings.family_id = events.family_id and closings.from_order > events.event_order
    where events.fact = 'lead-professional-assigned' and closings.family_id is null
    group by events.family_id
)

-- For a protected address, neither area nor gateway is given, because a gateway also reveals where a family lives.
select
    told.family_id,
    told.authority_code,
    if(told.is_protected, null, coalesce(told.gateway, gateways.gateway)) as gateway,
    if(told.is_protected, null, lower(replace(geography.constituency_name, ' ', '_'))) as area,
    led.lead_professional,
    coalesce(services.service_ids, []) as service_ids,
    told.is_sharing_consented,
    told.is_protected as is_address_protected
from told
left join {{ ref('lsoa_2021') }} as parts on parts.lsoa_code = told.lsoa_code
left join {{ ref('geography') }} as geography
    on geography.lsoa_code = coalesce(parts.lsoa_2011_code, told.lsoa_code)
    and geography.la_code = told.authority_code
left join {{ ref('gateways') }} as gateways on gateways.area_code = geography.constituency_code
left join led on led.family_id = told.family_id
left join services on services.family_id = told.family_id
