{%- set months = [
    'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December', 'January', 'February',
    'March',
] -%}
-- The figures on referrals that the DfE publishes, by authority and collection year, with the DfE's names and rounding.
-- A referral counts as assessed and not in need if it led to a case that was closed after assessment (RC8, RC9).
with cases as (
    select family_id, referral_id, case_id
    from {{ ref('stg_events') }}
    where fact = 'case-opened' and referral_id is not null
),

not_in_need as (
    select distinct cases.family_id, cases.referral_id
    from cases
    inner join {{ ref('stg_events') }} as closed
        on closed.family_id = cases.family_id and closed.case_id = cases.case_id
    where closed.fact = 'case-closed' and closed.closure_reason in ('RC8', 'RC9')
),

-- A collection year is named after the year in which it ends, on 31 March.
referrals as (
    select
        referred.authority_code,
        cast(year(referred.referred_on + interval 9 months) as integer) as collection_year,
        monthname(referred.referred_on) as referral_month,
        referred.source_group,
        referred.child_id,
        referred.is_dfe_re_referral,
        referred.is_nfa,
        not_in_need.referral_id is not null as is_not_in_need
    from {{ ref('fct_referrals') }} as referred
    {{ of_covered_time('social_care', 'referred', 'referred.referred_on', 'referred.event_source') }}
    left join not_in_need using (family_id, referral_id)
    where referred.is_dfe_referral
),

counts as (
    select
        authority_code,
        collection_year,
        count(*) as referrals,
        count(distinct child_id) as children,
        count(*) filter (is_dfe_re_referral) as re_referrals,
        count(distinct child_id) filter (is_dfe_re_referral) as re_referred_children,
        count(*) filter (is_nfa) as nfa,
        count(*) filter (is_not_in_need) as not_in_need
    from referrals
    group by all
),

-- The population estimate is for the middle of the calendar year in which the collection year begins, or the latest
-- known one.
populated as (
    select counts.*, population.mid_year, population.children as children_0_17
    from counts
    asof left join {{ ref('la_population') }} as population
        on population.authority_code = counts.authority_code and population.mid_year < counts.collection_year
),

headline as (
    select
        authority_code,
        collection_year,
        'referrals' as published_table,
        unnest([
            {'measure': 'Referrals', 'numerator': referrals, 'denominator': null, 'per': null, 'mid_year': null},
            {'measure': 'Referrals_rate', 'numerator': referrals, 'denominator': children_0_17, 'per': 10000, 'mid_year': mid_year},
            {'measure': 'Re_referrals', 'numerator': re_referrals, 'denominator': null, 'per': null, 'mid_year': null},
            {'measure': 'Re_referrals_percent', 'numerator': re_referrals, 'denominator': referrals, 'per': 100, 'mid_year': null},
            {'measure': 'No_Further_Action', 'numerator': nfa, 'denominator': null, 'per': null, 'mid_year': null},
            {'measure': 'No_Further_Action_percent', 'numerator': nfa, 'denominator': referrals, 'per': 100, 'mid_year': null},
            {'measure': 'Not_in_Need', 'numerator': not_in_need, 'denominator': null, 'per': null, 'mid_year': null},
            {'measure': 'Not_in_Need_percent', 'numerator': not_in_need, 'denominator': referrals, 'per': 100, 'mid_year': null},
            {'measure': 'Referrals_child', 'numerator': children, 'denominator': null, 'per': null, 'mid_year': null},
            {'measure': 'Referrals_child_rate', 'numerator': children, 'denominator': children_0_17, 'per': 10000, 'mid_year': mid_year},
            {'measure': 'Re_referrals_child', 'numerator': re_referred_children, 'denominator': null, 'per': null, 'mid_year': null},
            {'measure': 'Re_referrals_child_percent', 'numerator': re_referred_children, 'denominator': children, 'per': 100, 'mid_year': null}
        ], recursive := true)
    from populated
),

parts as (
    select 'referrals_by_source' as published_table, source_group as measure
    from {{ ref('referral_sources') }}
    group by source_group
    union all
    select 'referrals_by_month', unnest({{ months }})
),

counted as (
    select authority_code, collection_year, 'referrals_by_source' as published_table, source_group as measure, count(*) as numerator
    from referrals
    group by all
    union all
    select authority_code, collection_year, 'referrals_by_month', referral_month, count(*)
    from referrals
    group by all
),

mixes as (
    select
        counts.authority_code,
        counts.collection_year,
        parts.published_table,
        parts.measure,
        coalesce(counted.numerator, 0) as numerator
    from counts
    cross join parts
    left join counted using (authority_code, collection_year, published_table, measure)
),

named as (
    select * from headline
    union all by name
    select * from mixes
),

-- A collection year is the rolling 12 months that begin in April.
covered as (
    select
        authority_code,
        cast(year(period_start) + 1 as integer) as collection_year,
        starts_with(rests_on, 're_') as is_again
    from {{ ref('int_period_coverage') }}
    where
        period_kind = 'rolling_12_months'
        and month(period_start) = 4
        and period_start + to_years(1) <= {{ local_date(as_of()) }}
        and rests_on in ('social_care', 're_referrals')
),

judged as (
    select named.*, covered.collection_year is not null as is_covered
    from named
    left join covered
        on covered.authority_code = named.authority_code
        and covered.collection_year = named.collection_year
        and covered.is_again = starts_with(named.measure, 'Re_')
)

-- One decimal, with halves rounded up. The calculation uses whole numbers, so that a half is exactly a half. A year
-- that is not covered has no figure.
select
    authority_code,
    collection_year,
    published_table,
    measure,
    cast(if(is_covered, numerator, null) as bigint) as numerator,
    cast(if(is_covered, denominator, null) as bigint) as denominator,
    cast(if(is_covered, mid_year, null) as integer) as mid_year,
    case
        when not is_covered then null
        when per is null then cast(numerator as double)
        else ((20 * per * numerator + denominator) // (2 * nullif(denominator, 0))) / 10
    end as "value",
    if(is_covered, null, 'not covered') as absent_because
from judged
