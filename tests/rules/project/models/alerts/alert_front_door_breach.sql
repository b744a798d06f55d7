with late as (
    select *, occurred_at + interval 18 hour as amber_at, occurred_at + interval 24 hour as red_at,
        coalesce(decided_at, clock.as_of) as looked_at
    from {{ ref('int_referrals') }} cross join {{ source('run', 'as_of') }} as clock
),
rows_ as (
    select if(looked_at > red_at, 'red', 'amber') as severity, if(decided_at is null, 'open', 'cleared') as status,
        'referral' as entity_kind, referral_id as entity_id, family_id,
        'A referral has waited for a decision past its deadline.' as reason,
        if(decision is null, [evidence], [evidence, decision]) as evidence,
        root_source as anchor_source, root_id as anchor_id, amber_at as anchored_at,
        if(looked_at > red_at, red_at, amber_at) as deadline, decided_at as cleared_at, is_backfill
    from late where looked_at > amber_at
)
{{ alert('front_door_breach', '', 'rows_') }}
