-- Each day, with the number of working days before it (Monday to Friday, not a bank holiday in England). Bank holidays
-- are known from 2016 to 2030. In other years, all weekdays count as working days.
with days as (
    select unnest(generate_series(date '2000-01-01', date '2040-12-31', interval 1 day))::date as calendar_day
),

judged as (
    select
        days.calendar_day,
        isodow(days.calendar_day) < 6 and holidays.holiday_on is null as is_working_day
    from days
    left join {{ ref('working_calendar') }} as holidays on holidays.holiday_on = days.calendar_day
)

select
    calendar_day,
    is_working_day,
    coalesce(sum(is_working_day::bigint) over (
        order by calendar_day rows between unbounded preceding and 1 preceding
    ), 0)::bigint as working_days_before
from judged
