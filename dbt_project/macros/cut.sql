{#-
    The rows of a landing table that a build reads. The snapshot has the first offset of each partition that the build
    ignores. A partition that the snapshot does not contain is read completely.

    `columns` names the columns that are needed. For each column of the lake that a statement names, DuckDB reads
    statistics before it plans the joins. So naming all columns of the events costs more than reading a small lake.
-#}
{% macro up_to_the_cut(landing, columns) %}
    select
        {%- for column in columns %}
        landed.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ landing }} as landed
    left join {{ source('run', 'cut') }} as cut using (topic, kafka_partition)
    where landed.kafka_offset < cut.next_offset or cut.next_offset is null
{% endmacro %}
