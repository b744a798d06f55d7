{#-
    Working time in microseconds, counted over all working days. `hours` is a relation with the working hours of the
    practice profile: `working_day_starts` ≤ local time < `working_day_ends`.
    London's clocks change at night, so the hours of a working day are never longer or shorter than an hour.
-#}

{% macro hour() -%} 3600000000 {%- endmacro %}

{% macro working_day(hours) -%}
    date_diff('microsecond', {{ hours }}.working_day_starts, {{ hours }}.working_day_ends)
{%- endmacro %}

{#- Working time before a moment. `day` is the row of `int_working_days` for the day of the moment. -#}
{% macro worked_before(day, moment, hours) -%}
    {{ day }}.working_days_before * {{ working_day(hours) }} + if(
        {{ day }}.is_working_day,
        greatest(0, least(
            {{ working_day(hours) }},
            date_diff('microsecond', {{ hours }}.working_day_starts, cast({{ local_time(moment) }} as time))
        )),
        0
    )
{%- endmacro %}

{#-
    Number of full working days in an amount of working time. If the time ends exactly at the end of a day, that last
    day is not counted as full.
-#}
{% macro full_working_days(worked, hours) -%}
    (({{ worked }} - 1) // {{ working_day(hours) }})
{%- endmacro %}

{% macro end_of_working_time(day, worked, hours) -%}
    {{ utc_time(
        "(" ~ day ~ " + " ~ hours ~ ".working_day_starts + to_microseconds("
        ~ worked ~ " - " ~ full_working_days(worked, hours) ~ " * " ~ working_day(hours) ~ "))"
    ) }}
{%- endmacro %}

{#- Whether a moment lies in working hours. `day` is the row of `int_working_days` for the day of the moment. -#}
{% macro is_working_time(day, moment, hours) -%}
    {{ day }}.is_working_day
    and cast({{ local_time(moment) }} as time) >= {{ hours }}.working_day_starts
    and cast({{ local_time(moment) }} as time) < {{ hours }}.working_day_ends
{%- endmacro %}
