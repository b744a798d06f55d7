{% macro generate_schema_name(custom_schema_name, node) %}
    {#- A schema has its configured name without the target's name before it, as in the stream. -#}
    {{ (custom_schema_name or target.schema) | trim }}
{% endmacro %}
