{#-
    Working time in microseconds, counted through the working days: eight hours in each, 09:00 ≤ local time < 17:00.
    London's clocks change at night, so inside a working day local hours are real hours.
-#}

{% macro hour() -%} 3600000000 {%- endmacro %}

{% macro nine() -%} (9 * {{ hour() }}) {%- endmacro %}

{% macro working_time(days) -%} ({{ days }} * 8 * {{ hour() }}) {%- endmacro %}

{% macro time_of_day(local) -%}
    date_diff('microsecond', date_trunc('day', {{ local }}), {{ local }})
{%- endmacro %}

{#- Working time passed before a moment; `day` is the moment's day in `int_working_days`. -#}
{% macro worked_before(day, moment) -%}
    {{ working_time(day ~ ".working_days_before") }} + if(
        {{ day }}.is_working_day,
        greatest(0, least({{ working_time(1) }}, {{ time_of_day(local_time(moment)) }} - {{ nine() }})),
        0
    )
{%- endmacro %}

{#- Working days that are over before the working time is: it ends at 17:00 rather than at 09:00 of the next day. -#}
{% macro full_working_days(worked) -%}
    (({{ worked }} - 1) // {{ working_time(1) }})
{%- endmacro %}

{% macro end_of_working_time(day, worked) -%}
    {{ utc_time(
        "(" ~ day ~ " + to_microseconds(" ~ nine() ~ " + " ~ worked
        ~ " - " ~ working_time(full_working_days(worked)) ~ "))"
    ) }}
{%- endmacro %}

{#- Whether a moment lies in working hours; `day` is its day in `int_working_days`. -#}
{% macro is_working_time(day, moment) -%}
    {{ day }}.is_working_day
    and {{ time_of_day(local_time(moment)) }} >= {{ nine() }}
    and {{ time_of_day(local_time(moment)) }} < {{ nine() }} + {{ working_time(1) }}
{%- endmacro %}
