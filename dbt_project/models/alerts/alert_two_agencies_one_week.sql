{{ config(meta={'empty_without': ['contact-recorded', 'referral-submitted', 'escalation-reported']}) }}
-- Concerns from two agencies, no more than a week apart.
with concerns as (
    select
        concerns.family_id,
        concerns.agency_key,
        concerns.event_order,
        concerns.occurred_at,
        concerns.evidence,
        concerns.profile_id,
        concerns.is_backfill,
        concerns.occurred_at - to_hours(profiles.two_agencies_hours) as window_from,
        profiles.two_agencies_hours,
        profiles.two_agencies_count
    from {{ ref('int_concerns') }} as concerns
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
),

-- Judged at the time of each concern, with it and without it.
judged as (
    select
        concerns.event_order,
        list_unique(list(voiced.agency_key)) as agencies,
        coalesce(
            list_unique(list(voiced.agency_key) filter (voiced.event_order < concerns.event_order)), 0
        ) as agencies_before,
        list(voiced.evidence) as evidence
    from concerns
    inner join concerns as voiced
        on voiced.family_id = concerns.family_id
        and voiced.event_order <= concerns.event_order
        and voiced.occurred_at >= concerns.window_from
    group by concerns.event_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        concerns.family_id,
        concerns.family_id as entity_id,
        'Concerns about family ' || concerns.family_id || ' came from ' || judged.agencies || ' agencies within '
        || concerns.two_agencies_hours || ' hours.' as reason,
        judged.evidence,
        concerns.evidence as anchor,
        concerns.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        concerns.profile_id,
        concerns.is_backfill
    from concerns
    inner join judged using (event_order)
    where judged.agencies >= concerns.two_agencies_count and judged.agencies_before < concerns.two_agencies_count
)

{{ alert_envelope('two_agencies_one_week', 'found') }}
