-- A person is to be released from custody to a family with a child within the next 14 days. The alert is red from 3
-- days before the release.
with near as (
    select
        *,
        turns_at >= red_from or {{ has_run_out('red_from', 'cleared_at') }} as is_very_near
    from {{ ref('int_custody_releases') }}
    where {{ as_of() }} > due_from or told_at >= due_from
),

found as (
    select
        cast(null as varchar) as clause,
        if(is_very_near, 'red', 'amber') as severity,
        family_id,
        family_id as entity_id,
        'A release from custody to family ' || family_id || ', where a child lives, is planned for '
        || strftime(release_on, '%-d %B %Y') || '.' as reason,
        [evidence] as evidence,
        evidence as anchor,
        turns_at as anchored_at,
        red_from as deadline,
        cleared_at,
        profile_id,
        is_backfill
    from near
)

{{ alert_envelope('custody_release_due', 'found', anchors='several') }}
