{#-
    Make a table in one statement. dbt itself makes the new table beside the old one, renames both and drops the old
    one, so that readers always find a table. Nobody reads the tables of a build before they are published, and dbt's
    way took a third of the time of a warm build. Hooks are not run, because no model has any.
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
