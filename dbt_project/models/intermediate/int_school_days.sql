-- School days of each authority: weekdays in term that are not bank holidays. Before the first known term and after the
-- last one, all weekdays except bank holidays are school days.
with spans as (
    select
        authority_code,
        min(starts_on) as first_day,
        max(ends_on) as last_day
    from {{ ref('school_terms') }}
    group by authority_code
),

judged as (
    select
        spans.authority_code,
        days.calendar_day,
        days.is_working_day and (
            terms.starts_on is not null
            or days.calendar_day < spans.first_day
            or days.calendar_day > spans.last_day
        ) as is_school_day
    from spans
    cross join {{ ref('int_working_days') }} as days
    left join {{ ref('school_terms') }} as terms
        on terms.authority_code = spans.authority_code
        and days.calendar_day between terms.starts_on and terms.ends_on
)

select
    authority_code,
    calendar_day,
    is_school_day,
    min(if(is_school_day, calendar_day, null)) over (
        partition by authority_code order by calendar_day rows between 1 following and unbounded following
    ) as next_school_day
from judged
