-- The events in force, one row a root: duplicates dropped, corrections applied, withdrawals taken out.
-- Which rows they are and in what order is found on few columns; the others are then read once.
with landed as (
    {{ up_to_the_cut(source('landing', 'events')) }}
),

-- Of a root's corrections and withdrawals the latest counts; without any, the first copy to arrive.
-- One sort, no partitions: a handful of events is judged in the stream, and there each partition costs a sort.
in_force as (
    select
        topic,
        kafka_partition,
        kafka_offset,
        received_at,
        root_source,
        root_id,
        change,
        fact_at,
        authority_code
    from landed
    window roots as (
        order by
            root_source, root_id,
            change = 'recorded',
            case when change <> 'recorded' then event_at end desc,
            case when change <> 'recorded' then event_id end desc,
            received_at, topic, kafka_partition, kafka_offset
    )
    qualify lag(root_id) over roots is distinct from root_id or lag(root_source) over roots is distinct from root_source
),

-- A time later than arrival is not believed.
timed as (
    select
        topic,
        kafka_partition,
        kafka_offset,
        root_source,
        root_id,
        authority_code,
        fact_at > received_at + to_minutes({{ var('clock_tolerance_minutes') }}) as is_time_adjusted,
        if(is_time_adjusted, received_at, fact_at) as occurred_at
    from in_force
    where change <> 'withdrawn'
),

-- Earlier and later are decided by time, then by source and id: from here on a number. Numbers lie far apart, so that
-- a warm build can put a late event between two others (`streams/build/delta.py`).
ordered as (
    select
        *,
        row_number() over (order by occurred_at, root_source, root_id) * 4294967296 as event_order
    from timed
),

judged as (
    select
        ordered.*,
        coalesce(own.profile_id, defaults.profile_id) as profile_id
    from ordered
    left join {{ ref('stg_practice_profiles') }} as own
        on own.authority_code = ordered.authority_code
        and ordered.occurred_at >= own.applies_from
        and coalesce(ordered.occurred_at < own.applies_until, true)
    left join {{ ref('stg_practice_profiles') }} as defaults
        on defaults.authority_code = '*'
        and ordered.occurred_at >= defaults.applies_from
        and coalesce(ordered.occurred_at < defaults.applies_until, true)
)

select
    events.* exclude (
        record_key, landed_at, event_source, event_id, event_type, event_at, change, fact_at, amendment_reason,
        replay_of, dropped_fields, content_hash, payload, note
    ),
    judged.is_time_adjusted,
    judged.occurred_at,
    case
        when list_contains(['1A', '1B', '1C', '1D', '9'], events.source_code) then 'individuals'
        else coalesce(events.agency_id, 'source:' || events.source_code)
    end as agency_key,
    {
        'time': judged.occurred_at,
        'source': judged.root_source,
        'id': judged.root_id,
        'type': 'uk.' || replace(events.topic, '.v1', '') || '.' || events.fact || '.v1'
    } as evidence,
    judged.event_order,
    judged.profile_id
from {{ source('landing', 'events') }} as events
inner join judged
    on judged.kafka_offset = events.kafka_offset
    and judged.kafka_partition = events.kafka_partition
    and judged.topic = events.topic
where judged.profile_id is not null
