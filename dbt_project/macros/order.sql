{#- Position after every event: the end of what has not ended. -#}
{% macro endless() -%}
    9223372036854775807
{%- endmacro %}

{#- The moment of judgement. -#}
{% macro as_of() -%}
    (select max(as_of) from {{ source('run', 'as_of') }})
{%- endmacro %}

{#-
    What is said of the same thing just before, or just after, in a window without partitions: ordered by `key`, then by
    event. In the stream a partition of a window costs a sort, and a handful of events has many.
-#}
{% macro before(expression, key, families, otherwise='null') -%}
    if(lag({{ key }}) over {{ families }} = {{ key }}, lag({{ expression }}) over {{ families }}, {{ otherwise }})
{%- endmacro %}

{% macro after(expression, key, families, otherwise='null') -%}
    if(lead({{ key }}) over {{ families }} = {{ key }}, lead({{ expression }}) over {{ families }}, {{ otherwise }})
{%- endmacro %}
