-- Wards, areas and the authority add up to the same as their smallest areas, the unknown place included.
with totals as (
    select
        area_level,
        authority_code,
        month_starts_on,
        sum(referrals) as referrals,
        sum(dfe_referrals) as dfe_referrals,
        sum(contacts) as contacts,
        sum(cafs) as cafs,
        sum(families_at_level_4) as families_at_level_4
    from {{ ref('mart_locality_need') }}
    group by all
)

select levels.*
from totals as levels
inner join totals as smallest
    on smallest.area_level = 'lsoa'
    and smallest.authority_code = levels.authority_code
    and smallest.month_starts_on = levels.month_starts_on
where row(levels.referrals, levels.dfe_referrals, levels.contacts, levels.cafs, levels.families_at_level_4)
    is distinct from row(
        smallest.referrals, smallest.dfe_referrals, smallest.contacts, smallest.cafs, smallest.families_at_level_4
    )
