{#-
    The rows of a landing table that a build reads. The snapshot has the first offset of each partition that the build
    ignores. A partition that the snapshot does not contain is read completely.
-#}
{% macro up_to_the_cut(landing) %}
    select landed.*
    from {{ landing }} as landed
    left join {{ source('run', 'cut') }} as cut using (topic, kafka_partition)
    where landed.kafka_offset < cut.next_offset or cut.next_offset is null
{% endmacro %}
