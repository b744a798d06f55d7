{#-
    Rows of a landing table that a build sees: those before the next offset of their partition in the snapshot.
    A partition that the snapshot does not name has no limit.
-#}
{% macro up_to_the_cut(landing) %}
    select landed.*
    from {{ landing }} as landed
    left join {{ source('run', 'cut') }} as cut using (topic, kafka_partition)
    where landed.kafka_offset < cut.next_offset or cut.next_offset is null
{% endmacro %}
