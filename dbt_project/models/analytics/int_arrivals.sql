-- Records that arrived, counted by day, topic and source. Some measures of `mart_data_quality` compare a record only
-- with other records that have the same topic, source and id. This model calculates these measures. So a new record
-- changes only the days on which such records arrived (`streams/marts/delta.py`).
{%- set key_fields = {
    'contact-recorded': {
        'agency_id': 'agency_id is null and not is_from_individual',
        'lsoa_code': 'lsoa_code is null',
    },
    'referral-submitted': {
        'agency_id': 'agency_id is null and not is_from_individual',
        'consent': "consent = 'not_recorded' or (consent = 'not_sought' and consent_reason is null)",
        'gateway': 'gateway is null',
        'lsoa_code': 'lsoa_code is null',
        'person_ids': 'coalesce(len(person_ids), 0) = 0',
        'primary_need': "primary_need = 'N0'",
    },
    'person-recorded': {'date_of_birth': 'date_of_birth is null and due_date is null'},
    'address-changed': {'lsoa_code': 'lsoa_code is null and not coalesce(is_address_protected, false)'},
    'assessment-completed': {
        'factors': 'coalesce(len(factors), 0) = 0',
        'participants': 'coalesce(len(participants), 0) = 0',
    },
    'taf-meeting-held': {'participants': 'coalesce(len(participants), 0) = 0'},
} %}
-- The query reads a few columns at a time, because holding all columns at once would cost more.
with events as not materialized (
    {{ up_to_the_cut(source('landing', 'events'), [
        'topic', 'kafka_partition', 'kafka_offset', 'received_at', 'landed_at', 'record_key', 'event_source',
        'event_id', 'event_at', 'content_id', 'change', 'root_source', 'root_id', 'root_at', 'fact_at',
        'is_backfill', 'fact', 'authority_code', 'lsoa_code', 'dropped_fields', 'source_code', 'agency_id',
        'consent', 'consent_reason', 'gateway', 'person_ids', 'primary_need', 'date_of_birth', 'due_date',
        'is_address_protected', 'factors', 'participants',
    ]) }}
),

-- All copies of an event except the first to arrive. Few ids arrive more than once, so only the events with these ids
-- are sorted.
copies as (
    select
        topic,
        kafka_partition,
        kafka_offset
    from events
    where event_id in (select event_id from events group by event_id having count(*) > 1)
    qualify row_number() over (
        partition by topic, record_key, event_source, event_id, content_id
        order by received_at, kafka_partition, kafka_offset
    ) > 1
),

-- The London day is found for each UTC hour and not for each event, because there are far fewer hours than events.
hours as (
    select
        received_hour,
        {{ local_date('received_hour') }} as received_on,
        {{ utc_time('received_on') }} as day_began_at
    from (select distinct date_trunc('hour', received_at) as received_hour from events) as arrivals
),

judged as (
    select
        events.topic,
        events.kafka_partition,
        events.kafka_offset,
        events.record_key,
        events.event_source,
        events.event_id,
        events.event_at,
        hours.received_on,
        hours.day_began_at,
        events.change,
        events.root_source,
        events.root_id,
        events.root_at,
        events.fact_at,
        events.is_backfill,
        -- For a correction or withdrawal, the hours count from when it was made.
        greatest(epoch_us(events.landed_at - events.event_at), 0) / 3.6e9 as hours_to_land,
        events.fact,
        events.authority_code,
        events.lsoa_code,
        list_transform(events.dropped_fields, left_out -> left_out.path) as left_out,
        copies.topic is not null as is_duplicate,
        not events.is_backfill
        and events.received_at - events.fact_at > to_hours({{ var('late_hours', 24) }}) as is_late,
        events.fact_at > events.received_at + to_minutes({{ var('clock_tolerance_minutes') }}) as is_time_adjusted,
        -- Fields that a record of a fact should have, although the contract also accepts the record without them.
        case events.fact
            {%- for fact, fields in key_fields.items() %}
            when '{{ fact }}' then [
                {%- for field, missing in fields.items() %}
                {'field': '{{ fact }}.{{ field }}', 'is_missing': {{ missing }}}{{ ',' if not loop.last }}
                {%- endfor %}
            ]
            {%- endfor %}
        end as key_fields
    from (select *, list_contains(['1A', '1B', '1C', '1D', '9'], source_code) as is_from_individual from events) as events
    inner join hours on hours.received_hour = date_trunc('hour', events.received_at)
    left join copies using (topic, kafka_partition, kafka_offset)
),

firsts as not materialized (
    select * from judged where not is_duplicate
),

-- A correction can move a fact to another day. Then the figures of the fact's earlier day also change.
amended as (
    select
        topic,
        record_key,
        root_source,
        root_id,
        min(fact_at) as told_at
    from firsts
    where (root_source, root_id) in (select (root_source, root_id) from firsts where change <> 'recorded')
    group by topic, record_key, root_source, root_id
),

-- Ids that a source has given to several events.
reused as (
    select
        topic,
        event_source,
        event_id
    from firsts
    where change = 'recorded'
    group by topic, event_source, event_id
    having count(*) > 1
),

-- The number of events to which each correction or withdrawal refers. A correction or withdrawal can only change events
-- with its own key.
meant as (
    select
        amendments.received_on,
        amendments.topic,
        amendments.event_source,
        count(recorded.event_id) as events
    from firsts as amendments
    left join firsts as recorded
        on recorded.topic = amendments.topic
        and recorded.record_key = amendments.record_key
        and recorded.event_source = amendments.root_source
        and recorded.event_id = amendments.root_id
        and recorded.change = 'recorded'
        and coalesce(recorded.event_at = amendments.root_at, true)
    where amendments.change <> 'recorded'
    group by
        amendments.received_on, amendments.topic, amendments.event_source,
        amendments.kafka_partition, amendments.kafka_offset
),

restated as (
    select
        firsts.received_on,
        firsts.topic,
        firsts.event_source
    from firsts
    left join amended using (topic, record_key, root_source, root_id)
    where
        not firsts.is_backfill
        and if(firsts.change = 'recorded', firsts.fact_at, amended.told_at) < firsts.day_began_at
),

asked as (
    select
        received_on,
        topic,
        event_source,
        unnest(key_fields, recursive := true)
    from firsts
),

-- Records with a place that is not on the map of their authority. Their families count as living at an unknown place.
unmapped as (
    select
        firsts.received_on,
        firsts.topic,
        firsts.event_source,
        firsts.fact || '.lsoa_code' as field
    from firsts
    left join {{ ref('lsoa_2021') }} as parts using (lsoa_code)
    left join {{ ref('geography') }} as geography
        on geography.lsoa_code = coalesce(parts.lsoa_2011_code, firsts.lsoa_code)
        and geography.la_code = firsts.authority_code
    where firsts.lsoa_code is not null and geography.lsoa_code is null
),

-- A field that was left out counts once per event, even if it was left out of several items of a list.
left_out as (
    select distinct
        received_on,
        topic,
        event_source,
        kafka_partition,
        kafka_offset,
        coalesce(fact || '.', '')
        || regexp_replace(unnest(left_out), '^\$\.(data\.)?(replacement\.)?|\[[0-9]+\]', '', 'g') as field
    from firsts
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
    select firsts.received_on, firsts.topic, firsts.event_source, 'reused_id', '', null
    from firsts
    semi join reused using (topic, event_source, event_id)
    where firsts.change = 'recorded'
    union all
    select received_on, topic, event_source, 'ambiguous', '', null from meant where events > 1
    union all
    select received_on, topic, event_source, 'names_nothing', '', null from meant where events = 0
    union all
    select received_on, topic, event_source, 'asked', field, null from asked
    union all
    select received_on, topic, event_source, 'missing', field, null from asked where is_missing
    union all
    select received_on, topic, event_source, 'unmapped', field, null from unmapped
    union all
    select received_on, topic, event_source, 'left_out', field, null from left_out
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
