{{ config(meta={'empty_without': ['contact-recorded', 'referral-submitted', 'escalation-reported']}) }}
-- Concerns: contacts, referrals and reported escalations; what one agency says of one incident, or by sending a referral
-- again, is one concern.
with reports as (
    select
        family_id,
        agency_key,
        coalesce(
            'incident:' || incident_id, 'referral:' || referral_id, 'event:' || event_order
        ) as incident_key,
        referral_id,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact in ('contact-recorded', 'referral-submitted', 'escalation-reported')
),

investigations as (
    select
        family_id,
        referral_id,
        event_order
    from {{ ref('stg_events') }}
    where fact = 'assessment-started' or (fact = 'referral-decided' and decision in ('mash', 'early_help'))
),

-- An assessment that names no referral is of everything reported before it.
investigated as (
    select
        reports.family_id,
        reports.agency_key,
        reports.incident_key,
        min(greatest(investigations.event_order, reports.event_order)) as investigated_order
    from reports
    inner join investigations
        on investigations.family_id = reports.family_id
        and (
            investigations.referral_id = reports.referral_id
            or (investigations.referral_id is null and investigations.event_order > reports.event_order)
        )
    group by reports.family_id, reports.agency_key, reports.incident_key
),

first_reports as (
    select * exclude (referral_id)
    from reports
    qualify row_number() over (partition by family_id, agency_key, incident_key order by event_order) = 1
)

select
    first_reports.*,
    investigated.investigated_order
from first_reports
left join investigated using (family_id, agency_key, incident_key)
