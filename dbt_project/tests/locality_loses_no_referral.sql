-- Each referral of a covered month is in exactly one month and place. An authority may have other events but no
-- referrals.
with counted as (
    select
        authority_code,
        sum(numerator) filter (measure = 'referrals') as referrals,
        sum(numerator) filter (measure = 'dfe_referrals') as dfe_referrals
    from {{ ref('mart_locality_need') }}
    where area_level = 'authority' and period_kind = 'month'
    group by authority_code
),

referrals as (
    select facts.authority_code, count(distinct (facts.family_id, facts.referral_id)) as referrals
    from {{ ref('fct_referrals') }} as facts
    {{ of_covered_months('referrals', 'facts', 'facts.referred_on', 'facts.event_source') }}
    group by all
),

dfe_referrals as (
    select facts.authority_code, count(*) as dfe_referrals
    from {{ ref('fct_referrals') }} as facts
    {{ of_covered_months('social_care', 'facts', 'facts.referred_on', 'facts.event_source') }}
    where facts.is_dfe_referral
    group by all
)

select *
from referrals
full join dfe_referrals using (authority_code)
full join counted using (authority_code)
where coalesce(referrals.referrals, 0) is distinct from coalesce(counted.referrals, 0)
    or coalesce(dfe_referrals.dfe_referrals, 0) is distinct from coalesce(counted.dfe_referrals, 0)
