-- Contacts: reports of a concern that do not ask for a service.
select
    md5(concat_ws('|', contacts.family_id, contacts.evidence.source, contacts.evidence.id)) as contact_key,
    contacts.contact_id,
    contacts.family_id,
    contacts.authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code,
    contacts.occurred_at as contacted_at,
    {{ local_date('contacts.occurred_at') }} as contacted_on,
    contacts.source_code,
    sources.source_group,
    contacts.agency_key,
    contacts.is_backfill,
    contacts.evidence.source as event_source,
    contacts.evidence.id as event_id
from {{ ref('stg_events') }} as contacts
left join {{ ref('referral_sources') }} as sources using (source_code)
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = contacts.family_id and places.from_order <= contacts.event_order
where contacts.fact = 'contact-recorded'
