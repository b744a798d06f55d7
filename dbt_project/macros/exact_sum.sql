{#-
    A sum of fractions that is the same in every build: of doubles, the last bits depend on the order in which rows are met.
    Fifteen places after the point, 23 before it.
-#}
{% macro exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 15))) as double)
{%- endmacro %}
