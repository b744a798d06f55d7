{% macro generate_schema_name(custom_schema_name, node) %}
    {#- Schemas have their configured names without the target's prefix, as in the stream. -#}
    {{ (custom_schema_name or target.schema) | trim }}
{% endmacro %}
