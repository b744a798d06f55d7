-- A red referral or escalation arrived outside working hours. What counts is when the report first arrived as red. If
-- it arrived as red at night, a correction in the morning changes nothing. Events sent as history count as if they had
-- arrived when they happened, because nobody was at a desk to receive them when they were loaded.
with landed as (
    {{ up_to_the_cut(source('landing', 'events'), columns_told() + ['is_backfill', 'fact', 'severity']) }}
),

told as (
    {{ events_told('landed') }}
),

said as (
    select
        told.topic,
        told.record_key,
        told.root_source,
        told.root_id,
        landed.is_backfill,
        if(
            landed.is_backfill
            and landed.fact_at <= landed.received_at + to_minutes({{ var('clock_tolerance_minutes') }}),
            landed.fact_at,
            landed.received_at
        ) as arrived_at
    from landed
    inner join told using (topic, kafka_partition, kafka_offset)
    where landed.fact in ('referral-submitted', 'escalation-reported') and landed.severity = 'red'
),

first_said as (
    select
        topic,
        record_key,
        root_source,
        root_id,
        min(arrived_at) as arrived_at,
        arg_min(is_backfill, arrived_at) as is_backfill
    from said
    group by topic, record_key, root_source, root_id
),

urgent as (
    select
        events.family_id,
        events.fact,
        events.referral_id,
        events.escalation_id,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        first_said.arrived_at,
        first_said.is_backfill,
        profiles.working_day_starts,
        profiles.working_day_ends
    from {{ ref('stg_events') }} as events
    inner join first_said
        on first_said.topic = events.topic
        and first_said.record_key = events.record_key
        and first_said.root_source = events.root_source
        and first_said.root_id = events.root_id
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    left join {{ ref('int_working_days') }} as today on today.calendar_day = {{ local_date('first_said.arrived_at') }}
    where
        events.fact in ('referral-submitted', 'escalation-reported')
        and events.severity = 'red'
        and not coalesce({{ is_working_time('today', 'first_said.arrived_at', 'profiles') }}, false)
),

-- A decision outside working hours does not clear the alert. Until the front door is staffed again, the emergency duty
-- team has to act.
taken_over as (
    select
        urgent.event_order,
        min(decisions.occurred_at) as decided_at
    from urgent
    inner join {{ ref('stg_events') }} as decisions
        on decisions.family_id = urgent.family_id
        and decisions.referral_id = urgent.referral_id
        and decisions.occurred_at >= urgent.arrived_at
    inner join {{ ref('int_working_days') }} as that_day
        on that_day.calendar_day = {{ local_date('decisions.occurred_at') }}
    where
        decisions.fact = 'referral-decided'
        and decisions.decision <> 'edt'
        and {{ is_working_time('that_day', 'decisions.occurred_at', 'urgent') }}
    group by urgent.event_order
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        urgent.family_id,
        urgent.family_id as entity_id,
        if(urgent.fact = 'referral-submitted', 'A red referral (', 'A red escalation (')
        || coalesce(urgent.referral_id, urgent.escalation_id) || ') about family ' || urgent.family_id
        || ' arrived outside working hours.' as reason,
        [urgent.evidence] as evidence,
        urgent.evidence as anchor,
        urgent.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        taken_over.decided_at as cleared_at,
        urgent.profile_id,
        urgent.is_backfill
    from urgent
    left join taken_over using (event_order)
)

{{ alert_envelope('out_of_hours', 'found', anchors='several') }}
