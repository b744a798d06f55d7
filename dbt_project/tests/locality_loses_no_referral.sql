-- Every referral is in exactly one month and place; an authority may have other events only.
with counted as (
    select
        authority_code,
        sum(numerator) filter (measure = 'referrals') as referrals,
        sum(numerator) filter (measure = 'dfe_referrals') as dfe_referrals
    from {{ ref('mart_locality_need') }}
    where area_level = 'authority' and period_kind = 'month'
    group by authority_code
),

recorded as (
    select
        authority_code,
        count(distinct (family_id, referral_id)) as referrals,
        count(*) filter (is_dfe_referral) as dfe_referrals
    from {{ ref('fct_referrals') }}
    group by authority_code
)

select *
from recorded
full join counted using (authority_code)
where coalesce(recorded.referrals, 0) is distinct from coalesce(counted.referrals, 0)
    or coalesce(recorded.dfe_referrals, 0) is distinct from coalesce(counted.dfe_referrals, 0)
