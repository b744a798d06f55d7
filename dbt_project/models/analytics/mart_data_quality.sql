-- What arrived, by day, topic and source, and what was the matter with it.
{%- set key_fields = [
    ('contact-recorded', 'agency_id', 'agency_id is null and not is_from_individual'),
    ('contact-recorded', 'lsoa_code', 'lsoa_code is null'),
    ('referral-submitted', 'agency_id', 'agency_id is null and not is_from_individual'),
    ('referral-submitted', 'consent', "consent = 'not_recorded' or (consent = 'not_sought' and consent_reason is null)"),
    ('referral-submitted', 'gateway', 'gateway is null'),
    ('referral-submitted', 'lsoa_code', 'lsoa_code is null'),
    ('referral-submitted', 'person_ids', 'coalesce(len(person_ids), 0) = 0'),
    ('referral-submitted', 'primary_need', "primary_need = 'N0'"),
    ('person-recorded', 'date_of_birth', 'date_of_birth is null and due_date is null'),
    ('address-changed', 'lsoa_code', 'lsoa_code is null and not coalesce(is_address_protected, false)'),
    ('assessment-completed', 'factors', 'coalesce(len(factors), 0) = 0'),
    ('assessment-completed', 'participants', 'coalesce(len(participants), 0) = 0'),
    ('taf-meeting-held', 'participants', 'coalesce(len(participants), 0) = 0'),
] %}
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
        root_source,
        root_id,
        fact_at,
        is_backfill,
        -- For an amendment since it was made.
        greatest(epoch_us(landed_at - event_at), 0) / 3.6e9 as hours_to_land,
        row_number() over (
            partition by topic, event_source, event_id order by received_at, kafka_partition, kafka_offset
        ) > 1 as is_duplicate,
        not is_backfill and received_at - fact_at > to_hours({{ var('late_hours', 24) }}) as is_late,
        fact_at > received_at + to_minutes({{ var('clock_tolerance_minutes') }}) as is_time_adjusted
    from events
),

firsts as (
    select * from judged where not is_duplicate
),

-- An amendment changes the figures of the day that the fact was on before, not only of that it is on now.
amended as (
    select
        root_source,
        root_id,
        min(fact_at) as told_at
    from firsts
    where (root_source, root_id) in (select (root_source, root_id) from firsts where change <> 'recorded')
    group by root_source, root_id
),

restated as (
    select firsts.*
    from firsts
    left join amended
        on amended.root_source = firsts.root_source
        and amended.root_id = firsts.root_id
        and firsts.change <> 'recorded'
    where
        not firsts.is_backfill
        and {{ local_date('coalesce(amended.told_at, firsts.fact_at)') }} < firsts.received_on
),

-- What a record of a fact should say though the contract takes it without.
fields as (
    {%- for fact, field, missing in key_fields %}
    select
        topic,
        kafka_partition,
        kafka_offset,
        '{{ fact }}.{{ field }}' as field,
        {{ missing }} as is_missing
    from (select *, list_contains(['1A', '1B', '1C', '1D', '9'], source_code) as is_from_individual from events)
    where fact = '{{ fact }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

asked as (
    select
        firsts.received_on,
        firsts.topic,
        firsts.event_source,
        fields.field,
        fields.is_missing
    from fields
    inner join firsts using (topic, kafka_partition, kafka_offset)
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
    select
        received_on,
        topic,
        event_source,
        'events' as measure,
        '' as detail,
        if(is_backfill or is_duplicate, null, hours_to_land) as hours_to_land
    from judged
    union all
    select received_on, topic, event_source, 'duplicates', '', null from judged where is_duplicate
    union all
    select received_on, topic, event_source, 'late', '', null from firsts where is_late
    union all
    select received_on, topic, event_source, 'times_adjusted', '', null from firsts where is_time_adjusted
    union all
    select received_on, topic, event_source, change, '', null from firsts where change <> 'recorded'
    union all
    select received_on, topic, event_source, 'restated', '', null from restated
    union all
    select received_on, topic, event_source, 'asked', field, null from asked
    union all
    select received_on, topic, event_source, 'missing', field, null from asked where is_missing
    union all
    select {{ local_date('received_at') }}, topic, 'unknown', 'rejected', reason, null from rejected
    union all
    select judged.received_on, judged.topic, judged.event_source, 'failed_expectation', flagged.expectation, null
    from judged
    inner join flagged using (topic, kafka_partition, kafka_offset)
)

select
    received_on,
    topic,
    event_source,
    measure,
    detail,
    count(*) as records,
    quantile_cont(hours_to_land, 0.5) as median_hours_to_land,
    quantile_cont(hours_to_land, 0.95) as p95_hours_to_land
from measured
group by all
