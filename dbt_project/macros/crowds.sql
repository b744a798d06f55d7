{#- The over-shared ids of one kind: `person`, `link` or `address` (see `int_crowds`). -#}
{% macro crowds(kind) -%}
    (select identifier from {{ ref('int_crowds') }} where kind = '{{ kind }}')
{%- endmacro %}
