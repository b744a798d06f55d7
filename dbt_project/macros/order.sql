{#- Position after all events: the end of everything that has not ended. -#}
{% macro endless() -%}
    9223372036854775807
{%- endmacro %}

{#- The moment at which rules are evaluated. -#}
{% macro as_of() -%}
    (select max(as_of) from {{ source('run', 'as_of') }})
{%- endmacro %}

{#-
    The value for the same key just before, or just after, in a window without partitions that is ordered by `key` and
    then by event. In the stream, each partition of a window costs a sort, and even a handful of events has many.
-#}
{% macro before(expression, key, families, otherwise='null') -%}
    if(lag({{ key }}) over {{ families }} = {{ key }}, lag({{ expression }}) over {{ families }}, {{ otherwise }})
{%- endmacro %}

{% macro after(expression, key, families, otherwise='null') -%}
    if(lead({{ key }}) over {{ families }} = {{ key }}, lead({{ expression }}) over {{ families }}, {{ otherwise }})
{%- endmacro %}
