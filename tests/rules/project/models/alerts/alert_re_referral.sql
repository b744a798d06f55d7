with pairs as (
    select later.*, earlier.evidence as earlier_evidence
    from {{ ref('int_referrals') }} as later
    inner join {{ ref('int_referrals') }} as earlier on earlier.family_id = later.family_id
        and earlier.occurred_at < later.occurred_at
        and earlier.occurred_at >= later.occurred_at - interval 12 month
        and earlier.incident_id is distinct from coalesce(later.incident_id, later.root_id)
    qualify row_number() over (partition by later.root_source, later.root_id order by earlier.occurred_at desc) = 1
),
rows_ as (
    select 'amber' as severity, 'open' as status, 'family' as entity_kind, family_id as entity_id, family_id,
        'A second referral within twelve months.' as reason, [evidence, earlier_evidence] as evidence,
        root_source as anchor_source, root_id as anchor_id, occurred_at as anchored_at,
        null::timestamp as deadline, null::timestamp as cleared_at, is_backfill
    from pairs
)
{{ alert('re_referral', '', 'rows_') }}
