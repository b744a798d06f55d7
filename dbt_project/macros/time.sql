{#- All times are stored in UTC without a zone. Days, months and hours of the day are London's. -#}

{% macro local_time(moment) -%}
    (({{ moment }}) at time zone 'UTC' at time zone 'Europe/London')
{%- endmacro %}

{% macro local_date(moment) -%}
    cast({{ local_time(moment) }} as date)
{%- endmacro %}

{#-
    The UTC time of a London time. London is an hour ahead in summer. An hour that comes twice when the clocks go back
    means its first time. An hour that is left out when they go forward is read as winter time.
-#}
{% macro utc_time(local) -%}
    if(
        {{ local_time("(" ~ local ~ ") - interval 1 hour") }} = ({{ local }}),
        ({{ local }}) - interval 1 hour,
        ({{ local }})
    )
{%- endmacro %}

{#- A number of calendar months before, at the same London time of day. A month that is too short gives its end. -#}
{% macro months_before(moment, months) -%}
    {{ utc_time(local_time(moment) ~ " - to_months(" ~ months ~ ")") }}
{%- endmacro %}
