{#-
    A sum of fractions that is the same in each build. The last bits of a sum of doubles depend on the order of the
    rows, so the sum is made with decimals. They have 15 digits after the point and 23 before it.
-#}
{% macro exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 15))) as double)
{%- endmacro %}
