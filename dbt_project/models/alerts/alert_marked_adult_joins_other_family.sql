-- Alerts about persons with a risk marker who come to a family with a child, if no marker of the person concerns that
-- family. In all other respects, the rule is the same as `adult_returns`.
with found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        family_id,
        family_id as entity_id,
        'A person with a risk marker that does not name the family ' || what_happened as reason,
        evidence,
        anchor,
        anchored_at,
        cast(null as timestamp) as deadline,
        cleared_at,
        profile_id,
        is_backfill
    from {{ ref('int_marked_arrivals') }}
    where not concerns_family
)

{{ alert_envelope('marked_adult_joins_other_family', 'found', anchors='several') }}
