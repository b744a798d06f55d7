-- What arrived, by day, topic and source, and what was the matter with it.
with events as (
    {{ up_to_the_cut(source('landing', 'events')) }}
),

rejected as (
    {{ up_to_the_cut(source('landing', 'quarantine')) }}
),

judged as (
    select
        topic,
        kafka_partition,
        kafka_offset,
        event_source,
        {{ local_date('received_at') }} as received_on,
        change,
        row_number() over (
            partition by topic, event_source, event_id order by received_at, kafka_partition, kafka_offset
        ) > 1 as is_duplicate,
        not is_backfill and received_at - fact_at > to_hours({{ var('late_hours', 24) }}) as is_late,
        fact_at > received_at + to_minutes({{ var('clock_tolerance_minutes') }}) as is_time_adjusted
    from events
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

measured as (
    select received_on, topic, event_source, 'events' as measure, '' as detail from judged
    union all
    select received_on, topic, event_source, 'duplicates', '' from judged where is_duplicate
    union all
    select received_on, topic, event_source, 'late', '' from judged where is_late and not is_duplicate
    union all
    select received_on, topic, event_source, 'times_adjusted', '' from judged where is_time_adjusted and not is_duplicate
    union all
    select received_on, topic, event_source, change, '' from judged where change <> 'recorded' and not is_duplicate
    union all
    select {{ local_date('received_at') }}, topic, 'unknown', 'rejected', reason from rejected
    union all
    select judged.received_on, judged.topic, judged.event_source, 'failed_expectation', flagged.expectation
    from judged
    inner join flagged using (topic, kafka_partition, kafka_offset)
)

select
    received_on,
    topic,
    event_source,
    measure,
    detail,
    count(*) as records
from measured
group by all
