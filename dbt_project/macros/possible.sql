{#- Nothing that services record happened before this: a date like it stands for one that nobody knew. -#}
{% macro is_possible(moment) -%}
    {{ moment }} >= timestamp '{{ var('first_possible_day') }}'
{%- endmacro %}

{#- Time from one moment to a later one in units of so many microseconds; none where that cannot be. -#}
{% macro elapsed(since, until, microseconds) -%}
    if(
        {{ until }} >= {{ since }} and {{ is_possible(since) }}, epoch_us({{ until }} - {{ since }}) / {{ microseconds }}, null
    )
{%- endmacro %}
