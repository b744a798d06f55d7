-- Records that could not be read. For each of them, the table shows whether a record sent in its place was accepted.
with rejected as (
    {{ up_to_the_cut(source('landing', 'quarantine'), [
        'topic', 'kafka_partition', 'kafka_offset', 'received_at', 'reason', 'path',
    ]) }}
),

landed as (
    {{ up_to_the_cut(source('landing', 'events'), ['replay_of', 'received_at']) }}
),

replayed as (
    select
        replay_of as record_id,
        min(received_at) as replayed_at
    from landed
    where replay_of is not null
    group by replay_of
)

select
    rejected.topic || '/' || rejected.kafka_partition || '/' || rejected.kafka_offset as record_id,
    rejected.topic,
    rejected.kafka_partition,
    rejected.kafka_offset,
    rejected.received_at,
    rejected.reason,
    rejected.path,
    replayed.replayed_at
from rejected
left join replayed
    on replayed.record_id = rejected.topic || '/' || rejected.kafka_partition || '/' || rejected.kafka_offset
-- A rejection of a whole batch is left out. Nothing is wrong with the batch itself, and each event in it is a record of
-- its own.
where rejected.reason <> 'batch'
