with landed as (
    select events.*
    from {{ source('landing', 'events') }} as events
    left join {{ source('run', 'cut') }} as cut using (topic, kafka_partition)
    where cut.next_offset is null or events.kafka_offset < cut.next_offset
),
amended as (
    select * from landed where change <> 'recorded'
    qualify row_number() over (partition by root_source, root_id order by event_at desc, event_id desc) = 1
),
recorded as (
    select * from landed where change = 'recorded'
    qualify row_number() over (
        partition by topic, record_key, event_source, event_id, content_id order by received_at, topic, kafka_partition, kafka_offset
    ) = 1
),
effective as (
    select * from recorded anti join amended using (root_source, root_id)
    union all by name
    select * from amended where change = 'corrected'
)
select
    * exclude (payload),
    case when fact_at > received_at + interval 5 minute then received_at else fact_at end as occurred_at,
    {"time": fact_at, "source": root_source, "id": root_id, "type": event_type} as evidence
from effective
