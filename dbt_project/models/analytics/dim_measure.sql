-- The definitions of all measures in all marts, from the YAML files of the models. Analysts join this table to a mart
-- by the column `measure`.
{%- set found = [] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- for key, measure in node.config.get('meta', {}).get('measures', {}).items() -%}
            {%- do found.append((node.name, key, none, measure)) -%}
        {%- endfor -%}
        {%- for column in node.columns.values() if column.config.get('meta', {}).get('measure') -%}
            {%- do found.append((node.name, column.name, column.name, column.config.meta.measure)) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif %}
{%- set parts = ['title', 'unit', 'formula', 'numerator', 'denominator', 'period', 'source', 'caveat'] %}
select
    model,
    measure,
    column_name,
    {{ parts | join(',\n    ') }}
from (
    values
        {%- for model, key, column, measure in found | sort(attribute='0,1') %}
        (
            '{{ model }}', '{{ key }}', {{ "'" ~ column ~ "'" if column else "cast(null as varchar)" }}
            {%- for part in parts %}, '{{ (measure[part] | string | trim).replace("'", "''") }}'{% endfor %}
        )
        {{- ',' if not loop.last }}
        {%- endfor %}
) as measures (model, measure, column_name, {{ parts | join(', ') }})
