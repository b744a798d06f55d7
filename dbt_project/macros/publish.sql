{#-
    A build is made in memory and published whole, in one transaction: readers see one cut, and of a build that failed
    nothing. It also costs a third: each table that dbt swaps in the lake is two commits, after each of which the
    catalog is read anew.
-#}

{#- What a build starts from: its cut, and the seeds that are not loaded again. -#}
{% macro take_over() %}
    {% if execute and target.name == 'lake' %}
    create schema if not exists marts.run;
    create or replace table marts.run.cut as from published.run.next_cut;
    create or replace table marts.run.as_of as from published.run.next_as_of;
    {% for node in graph.nodes.values() if node.resource_type == 'seed' and node.unique_id not in selected_resources %}
    create schema if not exists marts.{{ node.schema }};
    create or replace table marts.{{ node.schema }}.{{ node.alias }} as from published.{{ node.schema }}.{{ node.alias }};
    {% endfor %}
    {% endif %}
{% endmacro %}

{% macro publish(results) %}
    {% if execute and target.name == 'lake' %}
    {% set tables = results | map(attribute='node') | selectattr('resource_type', 'in', ['model', 'seed']) | list %}
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
    {% endif %}
    {% endif %}
{% endmacro %}
