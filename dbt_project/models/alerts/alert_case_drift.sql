-- An open family was not reviewed or seen for 42 days, or had no lead professional for 5 working days. When a family is
-- opened, two gaps begin: one without a review or visit, and one without a lead professional. The two gaps share one
-- alert. It is cleared when neither gap is too long any more.
with drifts as (
    select
        family_id,
        evidence as anchor,
        profile_id,
        is_backfill,
        min(due_at) as due_at,
        arg_min(
            if(
                gap_kind = 'lead',
                ' had no lead professional for ' || limit_days || ' working days.',
                ' was not reviewed or seen for ' || limit_days || ' days.'
            ),
            (due_at, gap_kind)
        ) as what_drifts,
        if(count(ended_at) = count(*), max(ended_at), null) as cleared_at,
        list_distinct(list_concat(
            [any_value(opening_evidence), evidence], list(end_evidence) filter (end_evidence is not null)
        )) as facts
    from {{ ref('int_case_gaps') }}
    where {{ as_of() }} > due_at
    group by family_id, evidence, profile_id, is_backfill
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        family_id,
        family_id as entity_id,
        'Family ' || family_id || ' is open and' || what_drifts as reason,
        facts as evidence,
        anchor,
        due_at as anchored_at,
        due_at as deadline,
        cleared_at,
        profile_id,
        is_backfill
    from drifts
)

{{ alert_envelope('case_drift', 'found') }}
