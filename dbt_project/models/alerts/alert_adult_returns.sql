-- Alerts about persons with a risk marker who come to a family with a child, if the marker concerns that family. A
-- person comes to a family by joining the household, by moving to its address, by being reported as back, or by getting
-- a risk marker while living there. There is one alert for each stay.
with found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        family_id,
        family_id as entity_id,
        'A person with a risk marker ' || what_happened as reason,
        evidence,
        anchor,
        anchored_at,
        cast(null as timestamp) as deadline,
        cleared_at,
        profile_id,
        is_backfill
    from {{ ref('int_marked_arrivals') }}
    where concerns_family
)

{{ alert_envelope('adult_returns', 'found', anchors='several') }}
