-- The events in force: without copies and withdrawn events, and with corrections applied. The query first reads a few
-- columns to find these rows and their order. Then it reads the other columns once.
with landed as (
    {{ up_to_the_cut(source('landing', 'events'), columns_told()) }}
),

told as (
    {{ events_told('landed') }}
),

-- If an event is dated later than its arrival by more than the tolerance, the time of arrival is used instead.
timed as (
    select
        topic,
        kafka_partition,
        kafka_offset,
        record_key,
        root_source,
        sent_id,
        root_id,
        authority_code,
        fact_at > received_at + to_minutes({{ var('clock_tolerance_minutes') }}) as is_time_adjusted,
        if(is_time_adjusted, received_at, fact_at) as occurred_at
    from told
    where is_in_force and change <> 'withdrawn'
),

-- Events are ordered by time, then by source and id, and last by topic and key. From here on, each event has a number
-- that gives its place in this order. The numbers are far apart, so that a warm build can put a late event between two
-- others (`streams/marts/delta.py`).
ordered as (
    select
        *,
        row_number() over (order by occurred_at, root_source, root_id, topic, record_key) * 4294967296 as event_order
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
        root_id, root_at, landed_at, event_source, event_id, event_type, event_at, change, fact_at, amendment_reason,
        replay_of, inbound_record, dropped_fields, content_id, payload, note
    ),
    judged.root_id,
    judged.sent_id,
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
        'type': 'uk.' || replace(events.topic, '.v1', '') || '.' || events.fact || '.v1',
        'key': events.record_key
    } as evidence,
    judged.event_order,
    judged.profile_id
from {{ source('landing', 'events') }} as events
inner join judged
    on judged.kafka_offset = events.kafka_offset
    and judged.kafka_partition = events.kafka_partition
    and judged.topic = events.topic
where judged.profile_id is not null
