{#- A position after all events. It is used as the end of everything that has not ended. -#}
{% macro endless() -%}
    9223372036854775807
{%- endmacro %}

{#- The moment at which rules are evaluated. -#}
{% macro as_of() -%}
    (select max(as_of) from {{ source('run', 'as_of') }})
{%- endmacro %}

{#-
    The value of the row just before, or just after, if that row has the same key. `families` is a window without
    partitions, ordered by `key` and then by event. With partitions, the stream would sort each partition separately,
    and there are many partitions even if there are few events.
-#}
{% macro before(expression, key, families, otherwise='null') -%}
    if(lag({{ key }}) over {{ families }} = {{ key }}, lag({{ expression }}) over {{ families }}, {{ otherwise }})
{%- endmacro %}

{% macro after(expression, key, families, otherwise='null') -%}
    if(lead({{ key }}) over {{ families }} = {{ key }}, lead({{ expression }}) over {{ families }}, {{ otherwise }})
{%- endmacro %}
