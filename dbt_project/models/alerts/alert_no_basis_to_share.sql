-- Information was shared without a recorded basis, or on the basis of a consent that was not in force at that time.
with shared as (
    select
        family_id,
        sharing_id,
        sharing_basis,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact = 'information-shared' and sharing_basis in ('none', 'consent')
),

-- The last answer about sharing that the family gave before the information was shared. Neither a consent to receive
-- help nor the consent answer on a referral is a consent to share.
said as (
    select
        shared.event_order,
        arg_max(
            {'evidence': answers.evidence, 'is_consent': answers.fact = 'consent-given'}, answers.event_order
        ) as latest
    from shared
    inner join {{ ref('stg_events') }} as answers
        on answers.family_id = shared.family_id
        and answers.event_order < shared.event_order
    where
        shared.sharing_basis = 'consent'
        and answers.fact in ('consent-given', 'consent-refused', 'consent-withdrawn')
        and answers.consent_scope = 'share_information'
    group by shared.event_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        shared.family_id,
        shared.family_id as entity_id,
        'Information about family ' || shared.family_id || ' was shared (' || shared.sharing_id || ') '
        || case
            when shared.sharing_basis = 'none' then 'and no basis for it was recorded.'
            when said.latest is null then 'on the basis of a consent that the family had not given.'
            else 'on the basis of a consent that the family had refused or withdrawn.'
        end as reason,
        if(said.latest is null, [shared.evidence], [shared.evidence, said.latest.evidence]) as evidence,
        shared.evidence as anchor,
        shared.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        shared.profile_id,
        shared.is_backfill
    from shared
    left join said using (event_order)
    where not coalesce(said.latest.is_consent, false)
)

{{ alert_envelope('no_basis_to_share', 'found') }}
