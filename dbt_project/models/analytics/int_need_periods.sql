-- The periods that have figures, of each authority, and how much of a year each of them has been observed.
-- All records are of these kinds, or parts of them; that a clock runs out is no record.
with counted as (
    select authority_code, happened_on
    from {{ ref('int_need_counts') }}
    where counted in ('referrals', 'contacts', 'cafs')
    group by all
),

present as (
    select {{ local_time(as_of()) }} as moment, {{ local_date(as_of()) }} as today
),

-- A first record in the first days of a month is taken for one of records that begin with the month.
authorities as (
    select
        authority_code,
        if(
            day(min(happened_on)) <= {{ var('need_settling_days') }},
            date_trunc('month', min(happened_on)),
            min(happened_on)
        ) as records_begin_on
    from counted
    group by authority_code
),

-- A month without any record of an authority tells of missing records, not of no need; the present one may still come.
months as (
    select authority_code, date_trunc('month', happened_on) as month_starts_on from counted
    union
    select authority_code, date_trunc('month', present.today) from authorities cross join present
),

kinds as (
    select
        authority_code,
        'month' as period_kind,
        month_starts_on as starts_on,
        month_starts_on + to_months(1) as ends_before,
        month_starts_on - to_months(1) as previous_starts_on,
        month_starts_on - to_years(1) as year_before_starts_on
    from months
    union all
    -- The twelve months before it, not those that share eleven with it.
    select
        authority_code,
        'rolling_12_months',
        month_starts_on - to_months(11),
        month_starts_on + to_months(1),
        month_starts_on - to_months(23),
        month_starts_on - to_months(23)
    from months
    inner join authorities using (authority_code)
    cross join present
    -- Records that begin in its first month will do; the present one is given in any case.
    where month_starts_on - to_months(10) > records_begin_on or month_starts_on = date_trunc('month', present.today)
    union all
    -- A year before is 52 weeks before: the same days of the week.
    select
        authority_code,
        'week',
        week_starts_on,
        week_starts_on + to_days(7),
        week_starts_on - to_days(7),
        week_starts_on - to_days(364)
    from (
        select distinct counted.authority_code, date_trunc('week', counted.happened_on) as week_starts_on
        from counted
        cross join present
        where counted.happened_on >= date_trunc('week', present.today) - to_days(7 * {{ var('need_weeks') }})
    )
    union all
    select
        authority_code,
        'day',
        counted.happened_on,
        counted.happened_on + to_days(1),
        counted.happened_on - to_days(1),
        counted.happened_on - to_days(364)
    from counted
    cross join present
    where counted.happened_on > present.today - to_days({{ var('need_days') }})
),

observed as (
    select
        kinds.*,
        greatest(kinds.starts_on, authorities.records_begin_on) as observed_from,
        least(kinds.ends_before, present.moment) as observed_until,
        kinds.previous_starts_on >= authorities.records_begin_on as has_previous,
        kinds.year_before_starts_on >= authorities.records_begin_on as has_year_before
    from kinds
    inner join authorities using (authority_code)
    cross join present
    where kinds.starts_on <= present.moment
)

select
    authority_code,
    period_kind,
    cast(starts_on as date) as period_start,
    cast(ends_before - to_days(1) as date) as period_end,
    observed_from > starts_on or observed_until < ends_before as is_partial,
    round(epoch(observed_until - observed_from) / epoch(starts_on + to_years(1) - starts_on), 12) as years_observed,
    if(has_previous, cast(previous_starts_on as date), null) as previous_start,
    if(has_year_before, cast(year_before_starts_on as date), null) as year_before_start
from observed
