-- A referral arrived without an answer to the consent question.
with unanswered as (
    select *
    from {{ ref('stg_events') }}
    where
        fact = 'referral-submitted'
        and (consent = 'not_recorded' or (consent = 'not_sought' and consent_reason is null))
),

answers as (
    select
        family_id,
        occurred_at
    from {{ ref('stg_events') }}
    where fact in ('consent-given', 'consent-refused')
),

answered as (
    select
        unanswered.event_order,
        min(answers.occurred_at) as answered_at
    from unanswered
    inner join answers
        on answers.family_id = unanswered.family_id and answers.occurred_at >= unanswered.occurred_at
    group by unanswered.event_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        unanswered.family_id,
        unanswered.referral_id as entity_id,
        'Referral ' || unanswered.referral_id || ' of family ' || unanswered.family_id || if(
            unanswered.consent = 'not_sought',
            ' says that consent was not sought, but not why.',
            ' arrived without an answer to the consent question.'
        ) as reason,
        [unanswered.evidence] as evidence,
        unanswered.evidence as anchor,
        unanswered.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        answered.answered_at as cleared_at,
        unanswered.profile_id,
        unanswered.is_backfill
    from unanswered
    left join answered using (event_order)
)

{{ alert_envelope('consent_not_recorded', 'found') }}
