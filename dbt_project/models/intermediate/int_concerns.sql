-- Concerns: contacts, referrals and reported escalations. All reports of one agency about one incident are one concern.
-- A referral that is sent again is the same concern.
with told as (
    select
        family_id,
        agency_key,
        agency_id,
        source_code,
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

first_named as (
    select
        family_id,
        source_code,
        arg_min(agency_id, event_order) as agency_id
    from told
    where agency_id is not null and agency_key <> 'individuals'
    group by family_id, source_code
),

-- A report that names no agency must not count as one more agency. So it counts as a report of the first named agency
-- of the same kind.
reports as (
    select
        told.* exclude (agency_id, source_code) replace (
            if(
                told.agency_id is null and told.agency_key <> 'individuals',
                coalesce(first_named.agency_id, told.agency_key),
                told.agency_key
            ) as agency_key
        )
    from told
    left join first_named using (family_id, source_code)
),

investigations as (
    select
        family_id,
        referral_id,
        event_order
    from {{ ref('stg_events') }}
    where fact = 'assessment-started' or (fact = 'referral-decided' and decision in ('mash', 'early_help'))
),

-- An assessment that names no referral counts as an investigation of everything that was reported before it.
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
