-- Every referral is in exactly one month and place; an authority may have other events only.
with counted as (
    select authority_code, sum(referrals) as referrals, sum(children_referrals) as children_referrals
    from {{ ref('mart_locality_need') }}
    where area_level = 'authority'
    group by authority_code
),

recorded as (
    select authority_code, count(distinct (family_id, referral_id)) as referrals, count(child_id) as children_referrals
    from {{ ref('fct_referrals') }}
    group by authority_code
)

select *
from recorded
full join counted using (authority_code)
where coalesce(recorded.referrals, 0) is distinct from counted.referrals
    or coalesce(recorded.children_referrals, 0) is distinct from counted.children_referrals
