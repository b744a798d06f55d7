{#- Whether a moment is possible. A date before the first possible day means that nobody knew the date. -#}
{% macro is_possible(moment) -%}
    {{ moment }} >= timestamp '{{ var('first_possible_day') }}'
{%- endmacro %}

{#- Time from `since` to `until`, in units of the given number of microseconds. Empty if the times are impossible. -#}
{% macro elapsed(since, until, microseconds) -%}
    if(
        {{ until }} >= {{ since }} and {{ is_possible(since) }}, epoch_us({{ until }} - {{ since }}) / {{ microseconds }}, null
    )
{%- endmacro %}
