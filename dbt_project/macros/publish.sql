{#-
    A build is made in memory and published whole, in one transaction: readers see one cut, and of a build that failed
    nothing. It also costs a third: each table that dbt swaps in the lake is two commits, after each of which the
    catalog is read anew.
-#}

{#- What a build starts from: its cut, and the seeds that are not loaded again. -#}
{% macro take_over() %}
    {% if execute and target.name != 'stream' %}
    create schema if not exists marts.run;
    create or replace table marts.run.cut as from published.run.next_cut;
    create or replace table marts.run.as_of as from published.run.next_as_of;
    {% for node in graph.nodes.values() if node.resource_type == 'seed' and node.unique_id not in selected_resources %}
    create schema if not exists marts.{{ node.schema }};
    create or replace table marts.{{ node.schema }}.{{ node.alias }} as from published.{{ node.schema }}.{{ node.alias }};
    {% endfor %}
    {{ remember() }}
    {% endif %}
{% endmacro %}

{#- What readers had before this build: the months that were over, what had been restated, and at which cut. -#}
{% macro remember() %}
    {% set published = run_query(
        "select table_name || '.' || column_name from duckdb_columns() "
        ~ "where database_name = 'published' and schema_name = 'analytics'"
    ).columns[0].values() %}
    create schema if not exists marts.before;
    create or replace table marts.before.mart_locality_need as
    select authority_code, area_level, area_code, area_name, period_start, period_end, measure, numerator, value
    from {{
        'published.analytics.mart_locality_need' if 'mart_locality_need.measure' in published else no_rows({
            'authority_code': 'varchar', 'area_level': 'varchar', 'area_code': 'varchar', 'area_name': 'varchar',
            'period_kind': 'varchar', 'period_start': 'date', 'period_end': 'date', 'is_partial': 'boolean',
            'measure': 'varchar', 'numerator': 'bigint', 'value': 'double',
        })
    }}
    where period_kind = 'month' and not is_partial and area_level <> 'lsoa';
    create or replace table marts.before.mart_restatements as
    from {{
        'published.analytics.mart_restatements' if 'mart_restatements.causes' in published else no_rows({
            'restated_at': 'timestamp', 'published_at': 'timestamp', 'authority_code': 'varchar',
            'area_level': 'varchar', 'area_code': 'varchar', 'area_name': 'varchar', 'period_start': 'date',
            'period_end': 'date', 'measure': 'varchar', 'numerator_from': 'bigint', 'numerator_to': 'bigint',
            'value_from': 'double', 'value_to': 'double', 'causes': 'varchar[]',
        })
    }};
    {% for table, columns in {
        'cut': {'topic': 'varchar', 'kafka_partition': 'integer', 'next_offset': 'bigint'},
        'as_of': {'as_of': 'timestamp'},
    }.items() %}
    create or replace table marts.before.{{ table }} as
    from {{ 'published.run.' ~ table if 'mart_locality_need.measure' in published else no_rows(columns) }};
    {% endfor %}
{% endmacro %}

{% macro no_rows(columns) -%}
    (
        select
            {% for name, type in columns.items() %}
            cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
            {% endfor %}
        where false
    )
{%- endmacro %}

{% macro publish(results) %}
    {% if execute and target.name != 'stream' %}
    {% set tables = results | map(attribute='node') | selectattr('resource_type', 'in', ['model', 'seed'])
        | rejectattr('config.meta.is_unpublished', 'true') | list %}
    {% set failed = results | selectattr('status', 'in', ['error', 'fail', 'skipped']) | list %}
    {% if tables and not failed %}
    begin;
    create or replace table published.run.cut as from marts.run.cut;
    create or replace table published.run.as_of as from marts.run.as_of;
    {% for schema in tables | map(attribute='schema') | unique %}
    create schema if not exists published.{{ schema }};
    {% endfor %}
    {% for node in tables %}
    create or replace table published.{{ node.schema }}.{{ node.alias }} as from marts.{{ node.schema }}.{{ node.alias }};
    comment on table published.{{ node.schema }}.{{ node.alias }} is {{ duckdb_escape_comment(node.description) }};
    {% endfor %}
    commit;
    {% if target.name == 'file' %}
    {#- Whoever made the file may read it at once. -#}
    checkpoint published;
    detach published;
    {% endif %}
    {% endif %}
    {% endif %}
{% endmacro %}
