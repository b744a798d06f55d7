{#- Whether a moment is possible. An earlier date than the first possible day stands for one that nobody knew. -#}
{% macro is_possible(moment) -%}
    {{ moment }} >= timestamp '{{ var('first_possible_day') }}'
{%- endmacro %}

{#- Time from one moment to a later one, in units of `microseconds`. Empty if the moments are impossible. -#}
{% macro elapsed(since, until, microseconds) -%}
    if(
        {{ until }} >= {{ since }} and {{ is_possible(since) }}, epoch_us({{ until }} - {{ since }}) / {{ microseconds }}, null
    )
{%- endmacro %}
