-- A person with a risk marker joins the household of a family that the marker concerns, comes to live at its address,
-- is reported back or is marked while present, and a child lives there; once per stay.
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
