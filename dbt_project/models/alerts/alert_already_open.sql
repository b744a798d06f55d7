{{ config(meta={'empty_without': ['case-opened']}) }}
-- A referral comes while the family is open to a service.
with turns as (
    select
        family_id,
        is_open,
        from_order,
        evidence
    from {{ ref('int_family_status') }}
    window families as (order by family_id, from_order)
    qualify is_open <> {{ before('is_open', 'family_id', 'families', 'false') }}
),

bounded as (
    select
        *,
        {{ after('from_order', 'family_id', 'families', endless()) }} as until_order
    from turns
    window families as (order by family_id, from_order)
),

found as (
    select
        cast(null as varchar) as clause,
        if(referrals.severity = 'red', 'red', null) as severity,
        referrals.family_id,
        referrals.family_id as entity_id,
        'Family ' || referrals.family_id || ' was referred (' || referrals.referral_id
        || ') while it was open to a service.' as reason,
        [bounded.evidence, referrals.evidence] as evidence,
        referrals.evidence as anchor,
        referrals.submitted_at as anchored_at,
        cast(null as timestamp) as deadline,
        referrals.decided_at as cleared_at,
        referrals.profile_id,
        referrals.is_backfill
    from {{ ref('int_referrals') }} as referrals
    inner join bounded
        on bounded.family_id = referrals.family_id
        and bounded.from_order < referrals.event_order
        and bounded.until_order > referrals.event_order
    where bounded.is_open
)

{{ alert_envelope('already_open', 'found') }}
