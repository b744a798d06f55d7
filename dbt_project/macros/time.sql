{#- All times are stored in UTC, without a time zone. Days, months and hours of the day are those of London. -#}

{% macro local_time(moment) -%}
    (({{ moment }}) at time zone 'UTC' at time zone 'Europe/London')
{%- endmacro %}

{% macro local_date(moment) -%}
    cast({{ local_time(moment) }} as date)
{%- endmacro %}

{#-
    The UTC time of a London time. London is an hour ahead in summer. When the clocks go back, an hour comes twice, and
    the first of the two is meant. When they go forward, an hour is left out, and a time in that hour is read as winter
    time.
-#}
{% macro utc_time(local) -%}
    if(
        {{ local_time("(" ~ local ~ ") - interval 1 hour") }} = ({{ local }}),
        ({{ local }}) - interval 1 hour,
        ({{ local }})
    )
{%- endmacro %}

{#-
    The same London day and time, a number of calendar months earlier. If that month is too short to have the day, its
    last day is used.
-#}
{% macro months_before(moment, months) -%}
    {{ utc_time(local_time(moment) ~ " - to_months(" ~ months ~ ")") }}
{%- endmacro %}
