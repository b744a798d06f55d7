-- The periods of each authority, and how long each period has lasted so far, as a part of a year.
with present as (
    select {{ local_time(as_of()) }} as moment, {{ local_date(as_of()) }} as today
),

-- The periods of an authority begin when its coverage begins. The dates of events do not matter.
authorities as (
    select authority_code, min(covers_from) as records_begin_on
    from {{ ref('dim_coverage') }}
    where kind not in ('alerts', 'history')
    group by authority_code
),

months as (
    select
        authorities.authority_code,
        unnest(generate_series(
            date_trunc('month', authorities.records_begin_on), date_trunc('month', present.today), interval 1 month
        )) as month_starts_on
    from authorities
    cross join present
),

days as (
    select
        authorities.authority_code,
        unnest(generate_series(
            greatest(
                authorities.records_begin_on,
                date_trunc('week', present.today) - to_days(7 * {{ var('need_weeks') }})
            ),
            present.today,
            interval 1 day
        )) as day_starts_on
    from authorities
    cross join present
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
    -- Rolling 12 months are compared with the twelve months before them, so the two periods do not overlap.
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
    -- Keep the rolling 12 months that begin on the first covered day or later. The present rolling 12 months are kept
    -- in any case, so that a row can say that they are not covered.
    where month_starts_on - to_months(11) >= records_begin_on or month_starts_on = date_trunc('month', present.today)
    union all
    -- For weeks and days, a year before means 52 weeks before, so that the days of the week are the same.
    select
        authority_code,
        'week',
        week_starts_on,
        week_starts_on + to_days(7),
        week_starts_on - to_days(7),
        week_starts_on - to_days(364)
    from (select distinct authority_code, date_trunc('week', day_starts_on) as week_starts_on from days)
    union all
    select
        days.authority_code,
        'day',
        days.day_starts_on,
        days.day_starts_on + to_days(1),
        days.day_starts_on - to_days(1),
        days.day_starts_on - to_days(364)
    from days
    cross join present
    where days.day_starts_on > present.today - to_days({{ var('need_days') }})
)

select
    authority_code,
    period_kind,
    cast(starts_on as date) as period_start,
    cast(ends_before - to_days(1) as date) as period_end,
    present.moment < ends_before as is_partial,
    round(
        epoch(least(ends_before, present.moment) - starts_on) / epoch(starts_on + to_years(1) - starts_on), 12
    ) as years_observed,
    cast(previous_starts_on as date) as previous_start,
    cast(year_before_starts_on as date) as year_before_start
from kinds
cross join present
where starts_on <= present.moment
