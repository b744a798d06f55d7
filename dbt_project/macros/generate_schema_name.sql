{% macro generate_schema_name(custom_schema_name, node) %}
    {#- Schemas are named as they are configured, without the target's in front: the stream has the same names. -#}
    {{ (custom_schema_name or target.schema) | trim }}
{% endmacro %}
