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

-- Each submission of a referral. `opening` is the event that opened the family, if the family was open at that time.
submissions as (
    select
        events.family_id,
        events.referral_id,
        events.severity,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill,
        bounded.evidence as opening
    from {{ ref('stg_events') }} as events
    left join bounded
        on bounded.family_id = events.family_id
        and bounded.from_order < events.event_order
        and bounded.until_order > events.event_order
        and bounded.is_open
    where events.fact = 'referral-submitted'
),

-- A referral that is sent again is the same referral. It counts from its first submission while the family was open.
-- The referral is red as soon as one submission is red.
referrals as (
    select
        family_id,
        referral_id,
        arg_min(evidence, event_order) filter (opening is not null) as evidence,
        min(occurred_at) filter (opening is not null) as submitted_at,
        arg_min(opening, event_order) filter (opening is not null) as opening,
        arg_min(profile_id, event_order) filter (opening is not null) as profile_id,
        arg_min(evidence, event_order) filter (severity = 'red') as red_evidence,
        if(arg_min(severity, event_order) = 'red', null, min(event_order) filter (severity = 'red')) as turned_red_order,
        arg_min(is_backfill, event_order) filter (opening is not null)
        and coalesce(arg_min(is_backfill, event_order) filter (severity = 'red'), true) as is_backfill
    from submissions
    group by family_id, referral_id
    having count(opening) > 0
),

-- If a referral became red after its first submission, only a decision after that moment clears the alert.
decided as (
    select
        referrals.family_id,
        referrals.referral_id,
        min(decisions.occurred_at) as decided_at
    from referrals
    inner join {{ ref('stg_events') }} as decisions using (family_id, referral_id)
    where
        decisions.fact = 'referral-decided'
        and decisions.decision <> 'edt'
        and decisions.event_order > coalesce(referrals.turned_red_order, 0)
    group by referrals.family_id, referrals.referral_id
),

found as (
    select
        cast(null as varchar) as clause,
        if(referrals.red_evidence is null, null, 'red') as severity,
        referrals.family_id,
        referrals.family_id as entity_id,
        'Family ' || referrals.family_id || ' was referred (' || referrals.referral_id
        || ') while it was open to a service.' as reason,
        list_distinct([referrals.opening, referrals.evidence, referrals.red_evidence]) as evidence,
        referrals.evidence as anchor,
        referrals.submitted_at as anchored_at,
        cast(null as timestamp) as deadline,
        decided.decided_at as cleared_at,
        referrals.profile_id,
        referrals.is_backfill
    from referrals
    left join decided using (family_id, referral_id)
)

{{ alert_envelope('already_open', 'found') }}
