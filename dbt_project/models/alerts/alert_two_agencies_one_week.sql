-- Two agencies report concerns about a family no more than a week apart.
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

-- For each concern, the number of agencies with that concern, and the number without it.
judged as ({{ different_in_window('concerns', 'agency_key') }}),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        concerns.family_id,
        concerns.family_id as entity_id,
        'Concerns about family ' || concerns.family_id || ' came from ' || judged.counted || ' agencies within '
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
    where judged.counted >= concerns.two_agencies_count and judged.counted_before < concerns.two_agencies_count
)

{{ alert_envelope('two_agencies_one_week', 'found', anchors='several') }}
