{%- set groups = [
    'Individual', 'Schools', 'Education_Services', 'Health_Services', 'Housing', 'LA_Services', 'Police',
    'Other_legal_agency', 'Other', 'Anonymous', 'Unknown',
] -%}
{%- set needs = ['N0', 'N1', 'N2', 'N3', 'N4', 'N5', 'N6', 'N7', 'N8', 'N9'] -%}
{%- set counts = ['referrals', 'children_referrals', 'dfe_referrals', 'dfe_re_referrals', 'dfe_nfa', 'contacts', 'cafs'] -%}
{%- for group in groups %}{% do counts.append('source_' ~ group | lower) %}{% endfor -%}
{%- for need in needs %}{% do counts.append('need_' ~ need | lower) %}{% endfor -%}
{%- for level in [1, 2, 3, 4] %}{% do counts.append('families_at_level_' ~ level) %}{% endfor -%}
-- Need by place and month. Everything is counted once, by area, and added up; so levels of place agree.
with referrals as (
    select
        authority_code,
        lsoa_code,
        referred_month as month_starts_on,
        count(distinct (family_id, referral_id)) as referrals,
        count(child_id) as children_referrals,
        count(*) filter (is_dfe_referral) as dfe_referrals,
        count(*) filter (is_dfe_re_referral) as dfe_re_referrals,
        count(*) filter (is_dfe_referral and is_nfa) as dfe_nfa,
        {%- for group in groups %}
        count(*) filter (is_dfe_referral and source_group = '{{ group }}') as source_{{ group | lower }},
        {%- endfor %}
        {%- for need in needs %}
        count(*) filter (is_dfe_referral and primary_need = '{{ need }}') as need_{{ need | lower }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_referrals') }}
    group by all
),

steps as (
    select
        family_id,
        authority_code,
        event_order,
        cast(date_trunc('month', {{ local_date('occurred_at') }}) as date) as month_starts_on,
        fact = 'contact-recorded' as is_contact
    from {{ ref('stg_events') }}
    where fact = 'contact-recorded' or (fact = 'assessment-started' and assessment_kind in ('caf', 'early_help'))
),

early as (
    select
        steps.authority_code,
        coalesce(places.lsoa_code, 'unknown') as lsoa_code,
        steps.month_starts_on,
        count(*) filter (steps.is_contact) as contacts,
        count(*) filter (not steps.is_contact) as cafs
    from steps
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = steps.family_id and places.from_order <= steps.event_order
    group by all
),

present as (
    select max(as_of) as as_of from {{ source('run', 'as_of') }}
),

months as (
    select
        cast(month as date) as month_starts_on,
        least({{ utc_time('month + to_months(1)') }}, (select as_of from present) + to_microseconds(1)) as ends_at
    from (
        select unnest(generate_series(
            (select date_trunc('month', min({{ local_time('occurred_at') }})) from {{ ref('stg_events') }}),
            (select {{ local_time('as_of') }} from present),
            to_months(1)
        )) as month
    )
),

pyramid as (
    select
        places.authority_code,
        places.lsoa_code,
        months.month_starts_on,
        {%- for level in [1, 2, 3, 4] %}
        count(*) filter (status.level = {{ level }}) as families_at_level_{{ level }}{{ ',' if not loop.last }}
        {%- endfor %}
    from months
    inner join {{ ref('int_family_status') }} as status
        on status.from_at < months.ends_at and (status.until_at >= months.ends_at or status.until_at is null)
    inner join {{ ref('int_family_places') }} as places
        on places.family_id = status.family_id
        and places.from_at < months.ends_at and (places.until_at >= months.ends_at or places.until_at is null)
    where status.level is not null
    group by all
),

counted as (
    select * from referrals
    union all by name
    select * from early
    union all by name
    select * from pyramid
),

-- Areas of the authorities that have any event, at every level of place.
active as (
    select * from {{ ref('dim_area') }}
    where authority_code in (select authority_code from {{ ref('stg_events') }})
),

levels as (
    select 'lsoa' as area_level, authority_code, lsoa_code, lsoa_code as area_code, lsoa_name as area_name, share_of_children from active
    union all
    select 'ward', authority_code, lsoa_code, ward_code, ward_name, share_of_children from active
    union all
    select 'area', authority_code, lsoa_code, area_code, area_name, share_of_children from active
    union all
    select 'authority', authority_code, lsoa_code, authority_code, authority_name, share_of_children from active
),

places as (
    select area_level, authority_code, area_code, min(area_name) as area_name, sum(share_of_children) as share_of_children
    from levels
    group by all
),

-- The mid-year before the collection year (to 31 March) of the month, or the latest that is known.
children as (
    select months.month_starts_on, population.authority_code, population.children
    from months
    cross join (select distinct authority_code from active) as authorities
    asof inner join {{ ref('la_population') }} as population
        on population.authority_code = authorities.authority_code
        and population.mid_year <= year(months.month_starts_on + to_months(9)) - 1
),

summed as (
    select
        levels.area_level,
        levels.authority_code,
        levels.area_code,
        counted.month_starts_on,
        {%- for count in counts %}
        sum(counted.{{ count }}) as {{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from counted
    inner join levels using (authority_code, lsoa_code)
    group by all
)

select
    places.area_level,
    places.authority_code,
    places.area_code,
    places.area_name,
    months.month_starts_on,
    children.children * places.share_of_children as children_0_17,
    {%- for count in counts %}
    coalesce(summed.{{ count }}, 0)::bigint as {{ count }},
    {%- endfor %}
    coalesce(summed.dfe_referrals, 0) / nullif(children_0_17, 0) * 10000 as dfe_referrals_per_10000,
    coalesce(summed.cafs, 0) / nullif(children_0_17, 0) * 10000 as cafs_per_10000,
    summed.dfe_re_referrals / nullif(summed.dfe_referrals, 0) as re_referral_share,
    summed.dfe_nfa / nullif(summed.dfe_referrals, 0) as nfa_share
from places
cross join months
left join children using (authority_code, month_starts_on)
left join summed using (area_level, authority_code, area_code, month_starts_on)
