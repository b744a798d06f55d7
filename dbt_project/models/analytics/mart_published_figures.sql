-- Figures that the DfE publishes for authorities, regions and England, under the keys of our measures.
with published as (
    select
        "table" as published_table,
        cast(year as integer) as collection_year,
        case level when 'Local authority' then 'authority' when 'Regional' then 'region' else 'country' end as area_level,
        area_code,
        area as area_name,
        measure,
        try_cast(value as double) as number,
        if(try_cast(value as double) is null, value, null) as symbol
    from {{ ref('published_cin') }}
),

rates as (
    select
        published.*,
        case measure
            when 'Referrals_rate' then 'dfe_referrals_per_10000'
            when 'Re_referrals_percent' then 're_referral_percent'
            when 'No_Further_Action_percent' then 'nfa_percent'
        end as key,
        number as value
    from published
    where published_table = 'referrals'
),

mixes as (
    select
        published.*,
        'source_' || lower(published.measure) || '_percent' as key,
        100 * published.number / whole.number as value
    from published
    inner join published as whole
        on whole.published_table = published.published_table
        and whole.collection_year = published.collection_year
        and whole.area_code = published.area_code
        and whole.measure = 'Referrals'
    where published.published_table = 'referrals_by_source' and published.measure <> 'Referrals'
)

select
    found.key as measure,
    found.collection_year,
    found.area_level,
    found.area_code,
    found.area_name,
    if(found.area_level = 'authority', regions.region_code, null) as region_code,
    found.value,
    found.symbol,
    'DfE, characteristics of children in need, table ' || found.published_table as source
from (
    select * from rates where key is not null
    union all
    select * from mixes
) as found
left join {{ ref('regions') }} as regions on regions.authority_code = found.area_code
