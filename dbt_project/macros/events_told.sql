{#- The columns of a landed event that `events_told` reads. -#}
{% macro columns_told() %}
    {{ return([
        'topic', 'kafka_partition', 'kafka_offset', 'record_key', 'received_at', 'root_source', 'root_id', 'root_at',
        'event_source', 'event_id', 'event_at', 'change', 'fact_at', 'authority_code', 'content_id',
    ]) }}
{% endmacro %}

{#-
    The event that each record of `landed` is about, and whether the record is in force for that event. Copies are left
    out.

    The name of an event is its topic, key, source and id. Records with the same name and content are one event. Other
    content under the same name is another event. A correction or withdrawal is about the event with the name that it
    gives (and with the time, if it gives one). If several events fit, a withdrawal is about none of them, and a
    correction counts as an event of its own. Among the events with the same name, the first to arrive keeps the id that
    its source gave as its `root_id`. The `root_id` of each other event also has a suffix, which is made from the
    event's content. If an event has several corrections and withdrawals, the latest of them counts.
-#}
{% macro events_told(landed) %}
    with names as (
        select topic, record_key, root_source, root_id
        from {{ landed }}
        group by all
        having count(*) > 1
    ),

    -- Most records are the only record with their name. Such a record needs no further work.
    alone as (
        select
            topic, kafka_partition, kafka_offset, record_key, received_at, root_source, root_id as sent_id, root_id,
            change, fact_at, authority_code, true as is_in_force
        from {{ landed }}
        anti join names using (topic, record_key, root_source, root_id)
    ),

    told as (
        select
            topic, kafka_partition, kafka_offset, record_key, received_at, root_source, root_id as sent_id, root_at,
            event_id, event_at, change, fact_at, authority_code, content_id
        from {{ landed }}
        semi join names using (topic, record_key, root_source, root_id)
        qualify row_number() over (
            partition by topic, record_key, root_source, root_id, event_source, event_id, content_id
            order by received_at, kafka_partition, kafka_offset
        ) = 1
    ),

    -- The number of events with the same name, and the number of events with the same name and time. The time is null
    -- for a correction or withdrawal that gives no time.
    counted as (
        select
            *,
            count(*) filter (change = 'recorded') over name as events,
            count(*) filter (change = 'recorded') over moment as events_then,
            min(content_id) filter (change = 'recorded') over name as only_id,
            min(content_id) filter (change = 'recorded') over moment as only_id_then,
            arg_min(content_id, (received_at, kafka_partition, kafka_offset)) filter (change = 'recorded') over name
                as first_id,
            min(coalesce(root_at, {{ since_ever() }})) filter (change <> 'recorded') over name as first_awaited_at
        from told
        window
            name as (partition by topic, record_key, root_source, sent_id),
            moment as (
                partition by topic, record_key, root_source, sent_id, if(change = 'recorded', event_at, root_at)
            )
    ),

    -- `about_id` is null if the event that a correction or withdrawal is about has not arrived.
    about as (
        select
            *,
            case
                when change = 'recorded' then content_id
                when root_at is null then if(events > 1, content_id, only_id)
                else if(events_then > 1, content_id, only_id_then)
            end as about_id
        from counted
    )

    select * from alone
    union all by name
    select
        topic, kafka_partition, kafka_offset, record_key, received_at, root_source, sent_id,
        case
            when about_id = first_id then sent_id
            when about_id is not null then sent_id || '#' || to_hex(about_id)
            when events = 0 and coalesce(root_at, {{ since_ever() }}) = first_awaited_at then sent_id
            else sent_id || '@' || epoch_us(root_at)
        end as root_id,
        change, fact_at, authority_code,
        row_number() over (
            partition by topic, record_key, root_source, sent_id, about_id, if(about_id is null, root_at, null)
            order by
                change = 'recorded',
                if(change = 'recorded', null, event_at) desc,
                if(change = 'recorded', null, event_id) desc,
                received_at, kafka_partition, kafka_offset
        ) = 1 as is_in_force
    from about
{% endmacro %}

{#- A time that is earlier than any time in an event. -#}
{% macro since_ever() -%}
    timestamp '0001-01-01'
{%- endmacro %}
