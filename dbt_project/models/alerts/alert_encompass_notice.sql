-- Nobody told a child's school of a domestic abuse incident before the child's next school day began.
with found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        family_id,
        child_id as entity_id,
        'Nobody told '
        || if(is_home_educated, 'the authority, for home-educated child ', 'the school of child ') || child_id
        || if(is_home_educated, ',', '') || ' about an incident in family ' || family_id
        || ' before the next school day began.' as reason,
        if(notice_evidence is null, [evidence], [evidence, notice_evidence]) as evidence,
        evidence as anchor,
        due_at as anchored_at,
        due_at as deadline,
        notified_at as cleared_at,
        profile_id,
        is_backfill
    from {{ ref('int_school_notices') }}
    where {{ has_run_out('due_at', 'notified_at') }}
)

{{ alert_envelope('encompass_notice', 'found') }}
