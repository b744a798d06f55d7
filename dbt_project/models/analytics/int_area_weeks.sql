-- Number of referrals in each week (Monday to Sunday, London), for each ward and area that had any.
with referrals as (
    select distinct
        facts.family_id,
        facts.referral_id,
        facts.authority_code,
        facts.lsoa_code,
        cast(date_trunc('week', facts.referred_on) as date) as week_starts_on
    from {{ ref('fct_referrals') }} as facts
    {{ of_covered_time('referrals', 'facts', 'facts.referred_on', 'facts.event_source') }}
),

-- If a week that is not covered has few referrals, the reason may be missing records and not less need. So such a week
-- gets no number.
covered_days as (
    select authority_code, unnest(generate_series(covers_from, covers_to, interval 1 day)) as covered_day
    from {{ ref('dim_coverage') }}
    where kind = 'referrals'
),

covered_weeks as (
    select authority_code, cast(date_trunc('week', covered_day) as date) as week_starts_on
    from covered_days
    group by all
    -- The present week is kept although it is not over.
    having count(*) = 7 or max(covered_day) = {{ local_date(as_of()) }}
),

weeks as (
    select
        authority_code,
        week_starts_on,
        {{ utc_time('(week_starts_on + interval 7 days)') }} as ends_at,
        row_number() over (partition by authority_code order by week_starts_on) as week_number
    from covered_weeks
),

-- Only known places count here, because nobody could look into a surge in an unknown place. The figures of the
-- authority include the referrals of unknown places.
places as (
    select authority_code, lsoa_code, 'ward' as area_level, ward_code as area_code, ward_name as area_name
    from {{ ref('dim_area') }}
    where lsoa_code <> 'unknown'
    union all
    select authority_code, lsoa_code, 'area', area_code, area_name
    from {{ ref('dim_area') }}
    where lsoa_code <> 'unknown'
)

select
    places.area_level,
    places.authority_code,
    places.area_code,
    places.area_name,
    weeks.week_starts_on,
    weeks.ends_at,
    weeks.week_number,
    count(*) as referrals,
    list(submitted.evidence order by submitted.event_order) as evidence,
    arg_max(submitted.profile_id, submitted.event_order) as profile_id,
    bool_and(submitted.is_backfill) as is_backfill
from referrals
inner join weeks using (authority_code, week_starts_on)
inner join places using (authority_code, lsoa_code)
inner join {{ ref('int_referrals') }} as submitted using (family_id, referral_id)
group by all
