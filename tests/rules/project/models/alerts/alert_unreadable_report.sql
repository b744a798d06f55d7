with records as (
    select *, topic || '/' || kafka_partition || '/' || kafka_offset as record_id,
        {'time': received_at, 'source': topic, 'id': kafka_partition || '/' || kafka_offset, 'type': 'record'} as record
    from {{ source('landing', 'quarantine') }} where topic in ('caf.referral.v1', 'caf.escalation.v1')
),
replays as (
    select replay_of as record_id, min(received_at) as replayed_at
    from {{ source('landing', 'events') }} where replay_of is not null group by replay_of
),
rows_ as (
    select 'red' as severity, if(replayed_at is null, 'open', 'cleared') as status, 'record' as entity_kind,
        record_id as entity_id, null::varchar as family_id, 'A record on a safeguarding topic cannot be read.' as reason,
        array_slice([record], 1, 0) as evidence,
        topic as anchor_source, kafka_partition || '/' || kafka_offset as anchor_id, received_at as anchored_at,
        null::timestamp as deadline, replayed_at as cleared_at, false as is_backfill
    from records left join replays using (record_id)
)
{{ alert('unreadable_report', '', 'rows_') }}
