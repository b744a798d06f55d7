{#- Position after every event: the end of what has not ended. -#}
{% macro endless() -%}
    9223372036854775807
{%- endmacro %}

{#- The moment of judgement. -#}
{% macro as_of() -%}
    (select max(as_of) from {{ source('run', 'as_of') }})
{%- endmacro %}
