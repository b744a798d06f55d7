{#-
    A sum of fractions that is the same in each build. For doubles, the last bits depend on the order of the rows.
    It has fifteen places after the point and 23 before it.
-#}
{% macro exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 15))) as double)
{%- endmacro %}
