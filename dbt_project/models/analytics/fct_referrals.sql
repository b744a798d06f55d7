-- Referrals as the DfE counts them: one for each child. A re-referral is found even if the child now lives in another
-- household. Under an over-shared id, only referrals of the same family are compared.
with referrals as (
    select * from {{ ref('int_referrals') }}
),

named as (
    select family_id, referral_id, unnest(person_ids) as identifier from referrals
),

children as (
    select distinct
        named.family_id,
        named.referral_id,
        coalesce(identities.person_id, named.identifier) as child_id
    from named
    left join {{ ref('int_identities') }} as identities using (identifier)
),

taken_on as (
    select distinct family_id, referral_id
    from {{ ref('stg_events') }}
    where fact = 'referral-allocated' and service_kind = 'social_care'
),

placed as (
    select
        referrals.*,
        places.lsoa_code as place,
        places.is_address_protected,
        referrals.service_kind is not distinct from 'social_care'
            or referrals.decision is not distinct from 'mash'
            or taken_on.referral_id is not null as is_for_social_care
    from referrals
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = referrals.family_id and places.from_order <= referrals.event_order
    left join taken_on
        on taken_on.family_id = referrals.family_id and taken_on.referral_id = referrals.referral_id
),

by_child as (
    select
        placed.*,
        children.child_id,
        -- A referral counts wherever it is then routed, and even if the child is already open to a service.
        children.child_id is not null and placed.is_for_social_care as is_dfe_referral
    from placed
    left join children using (family_id, referral_id)
),

repeated as (
    select
        later.family_id,
        later.referral_id,
        later.child_id,
        bool_or(earlier.incident_key <> later.incident_key) as is_re_referral,
        bool_or(earlier.is_dfe_referral and later.is_dfe_referral) as is_dfe_re_referral
    from by_child as later
    inner join by_child as earlier
        on earlier.child_id = later.child_id
        and (earlier.family_id = later.family_id or earlier.child_id not in {{ crowds('person') }})
        and earlier.event_order < later.event_order
        and earlier.submitted_at < later.submitted_at
        and earlier.submitted_at >= {{ months_before('later.submitted_at', 12) }}
    group by all
)

select
    md5(concat_ws('|', by_child.family_id, by_child.referral_id, by_child.child_id)) as referral_child_id,
    by_child.referral_id,
    by_child.family_id,
    by_child.child_id,
    by_child.submitted_at as referred_at,
    {{ local_date('by_child.submitted_at') }} as referred_on,
    cast(date_trunc('month', {{ local_date('by_child.submitted_at') }}) as date) as referred_month,
    by_child.authority_code,
    coalesce(by_child.place, 'unknown') as lsoa_code,
    coalesce(by_child.is_address_protected, false) as is_address_protected,
    by_child.gateway,
    by_child.source_code,
    sources.source_group,
    by_child.agency_key,
    by_child.severity,
    by_child.primary_need,
    by_child.service_kind,
    by_child.decision,
    by_child.decided_at,
    {{ elapsed('by_child.submitted_at', 'by_child.decided_at', 3.6e9) }} as hours_to_decision,
    by_child.decision is not distinct from 'no_further_action' as is_nfa,
    by_child.is_dfe_referral,
    coalesce(repeated.is_re_referral, false) as is_re_referral,
    coalesce(repeated.is_dfe_re_referral, false) as is_dfe_re_referral,
    by_child.is_backfill,
    by_child.evidence.source as event_source,
    by_child.evidence.id as event_id
from by_child
left join repeated using (family_id, referral_id, child_id)
inner join {{ ref('referral_sources') }} as sources using (source_code)
