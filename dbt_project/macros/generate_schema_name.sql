{% macro generate_schema_name(custom_schema_name, node) %}
    {#- Use only the configured name of a schema, as in the stream. dbt would put the target's name before it. -#}
    {{ (custom_schema_name or target.schema) | trim }}
{% endmacro %}
