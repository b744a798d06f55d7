-- The records that arrived, counted by day, topic and source, and the problems with them. The query reads a few columns
-- at a time, because holding all columns at once would cost more.
with events as not materialized (
    {{ up_to_the_cut(source('landing', 'events'), [
        'topic', 'kafka_partition', 'kafka_offset', 'received_at', 'record_key', 'event_source', 'event_id',
        'content_id', 'person_id', 'linked_person_id', 'person_ids', 'address_id',
    ]) }}
),

rejected as (
    {{ up_to_the_cut(source('landing', 'quarantine'), ['topic', 'received_at', 'reason']) }}
),

flagged as (
    select distinct
        validations.expectation,
        failed.topic,
        failed.kafka_partition,
        failed.kafka_offset
    from (
        select expectation, unnest(failed_rows) as failed
        from {{ source('landing', 'validations') }}
        where level = 'row' and not success
    ) as validations
),

named as (
    {%- for identifier in ['person_id', 'linked_person_id', 'unnest(person_ids)', 'address_id'] %}
    select topic, kafka_partition, kafka_offset, {{ identifier }} as identifier, {{ identifier == 'address_id' }} as is_address
    from events
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- A record counts once for each kind of over-shared id, however many ids of that kind it names.
naming as (
    select distinct
        named.topic,
        named.kafka_partition,
        named.kafka_offset,
        crowds.kind
    from named
    inner join {{ ref('int_crowds') }} as crowds
        on crowds.identifier = named.identifier
        and (crowds.kind = 'address') = named.is_address
),

-- If a record arrived in several copies, the first to arrive counts.
shared as (
    select
        events.received_at,
        events.topic,
        events.event_source,
        naming.kind
    from events
    inner join naming using (topic, kafka_partition, kafka_offset)
    qualify row_number() over (
        partition by
            naming.kind, events.topic, events.record_key, events.event_source, events.event_id, events.content_id
        order by events.received_at, events.kafka_partition, events.kafka_offset
    ) = 1
),

measured as (
    select {{ local_date('received_at') }} as received_on, topic, event_source, 'shared_by_too_many' as measure, kind as detail
    from shared
    union all
    select {{ local_date('received_at') }}, topic, 'unknown', 'rejected', reason
    from rejected
    where reason <> 'batch'
    union all
    select {{ local_date('events.received_at') }}, events.topic, events.event_source, 'failed_expectation', flagged.expectation
    from events
    inner join flagged using (topic, kafka_partition, kafka_offset)
)

select
    received_on,
    topic,
    event_source,
    measure,
    detail,
    records,
    median_hours_to_land,
    p95_hours_to_land
from {{ ref('int_arrivals') }}
union all
select received_on, topic, event_source, 'impossible_date', problem, records, null, null
from {{ ref('int_impossible_dates') }}
union all
select received_on, topic, event_source, measure, detail, count(*), null, null
from measured
group by all
