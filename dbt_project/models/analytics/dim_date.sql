-- One row for each day (London) of the years for which the bank holidays are known.
with days as (
    select cast(day as date) as date_day
    from (
        select unnest(generate_series(
            date_trunc('year', min(holiday_on)),
            date_trunc('year', max(holiday_on)) + to_years(1) - to_days(1),
            to_days(1)
        )) as day
        from {{ ref('working_calendar') }}
    )
),

holidays as (
    select holiday_on, min(holiday) as holiday from {{ ref('working_calendar') }} group by holiday_on
)

select
    days.date_day,
    cast(date_trunc('week', days.date_day) as date) as week_starts_on,
    cast(date_trunc('month', days.date_day) as date) as month_starts_on,
    cast(year(days.date_day) as integer) as calendar_year,
    cast(year(days.date_day + to_months(9)) as integer) as collection_year,
    cast(isodow(days.date_day) as integer) as day_of_week,
    holidays.holiday,
    holidays.holiday is null and isodow(days.date_day) < 6 as is_working_day
from days
left join holidays on holidays.holiday_on = days.date_day
