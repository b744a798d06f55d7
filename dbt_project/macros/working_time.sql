{#-
    Working time in microseconds, counted over the working days. `hours` is a relation with the hours of the profile:
    `working_day_starts` ≤ local time < `working_day_ends`.
    London's clocks change at night, so local hours inside a working day are real hours.
-#}

{% macro hour() -%} 3600000000 {%- endmacro %}

{% macro working_day(hours) -%}
    date_diff('microsecond', {{ hours }}.working_day_starts, {{ hours }}.working_day_ends)
{%- endmacro %}

{#- Working time before a moment. `day` is the moment's day in `int_working_days`. -#}
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

{#- Full working days before the working time ends. It ends with a day rather than at the beginning of the next. -#}
{% macro full_working_days(worked, hours) -%}
    (({{ worked }} - 1) // {{ working_day(hours) }})
{%- endmacro %}

{% macro end_of_working_time(day, worked, hours) -%}
    {{ utc_time(
        "(" ~ day ~ " + " ~ hours ~ ".working_day_starts + to_microseconds("
        ~ worked ~ " - " ~ full_working_days(worked, hours) ~ " * " ~ working_day(hours) ~ "))"
    ) }}
{%- endmacro %}

{#- Whether a moment lies in working hours. `day` is its day in `int_working_days`. -#}
{% macro is_working_time(day, moment, hours) -%}
    {{ day }}.is_working_day
    and cast({{ local_time(moment) }} as time) >= {{ hours }}.working_day_starts
    and cast({{ local_time(moment) }} as time) < {{ hours }}.working_day_ends
{%- endmacro %}
