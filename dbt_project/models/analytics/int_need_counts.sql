-- What is counted of each place and day, once, by the smallest area: everything else adds it up.
with referred as (
    select
        authority_code,
        lsoa_code,
        referred_on,
        unnest(list_concat(
            ['dfe_referrals', 'source_' || lower(source_group), 'need_' || lower(coalesce(primary_need, 'N0'))],
            if(is_dfe_re_referral, ['re_referrals'], []),
            if(is_nfa, ['nfa'], [])
        )) as counted
    from {{ ref('fct_referrals') }}
    where is_dfe_referral
),

submitted as (
    select distinct authority_code, lsoa_code, referred_on, family_id, referral_id
    from {{ ref('fct_referrals') }}
),

steps as (
    select
        family_id,
        authority_code,
        event_order,
        {{ local_date('occurred_at') }} as happened_on,
        if(fact = 'contact-recorded', 'contacts', 'cafs') as counted
    from {{ ref('stg_events') }}
    where fact = 'contact-recorded' or (fact = 'assessment-started' and assessment_kind in ('caf', 'early_help'))
),

placed as (
    select steps.*, coalesce(places.lsoa_code, 'unknown') as lsoa_code
    from steps
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = steps.family_id and places.from_order <= steps.event_order
),

happened as (
    select authority_code, lsoa_code, referred_on as happened_on, counted from referred
    union all
    select authority_code, lsoa_code, referred_on, 'referrals' from submitted
    union all
    select authority_code, lsoa_code, happened_on, counted from placed
)

select
    authority_code,
    lsoa_code,
    happened_on,
    counted,
    count(*) as number
from happened
group by all
