{#-
    A table is made in one statement. dbt's own way makes it aside, renames the old and the new and drops the old, so
    that no reader misses it; in the memory of a build there are no readers, and a third of a warm build went there.
    Hooks are not run: no model has any.
-#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {% set table = this.incorporate(type='table') %}
    {% call statement('main') %}
    drop table if exists {{ table }};
    {{ create_table_as(False, table, compiled_code) }}
    {% endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [table]}) }}
{% endmaterialization %}
