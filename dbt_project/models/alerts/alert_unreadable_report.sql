-- A record on the referral or escalation topic cannot be read. The record may be about a child.
with unread as (
    select
        *,
        {
            'time': received_at,
            'source': topic,
            'id': kafka_partition || '/' || kafka_offset,
            'type': 'record'
        } as record
    from {{ ref('stg_rejections') }}
    where topic in ('caf.referral.v1', 'caf.escalation.v1')
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        cast(null as varchar) as family_id,
        unread.record_id as entity_id,
        'A record could not be read (' || unread.topic || ', partition ' || unread.kafka_partition || ', offset '
        || unread.kafka_offset || ': ' || unread.reason || '); it may be about a child.' as reason,
        array_slice([unread.record], 1, 0) as evidence,
        unread.record as anchor,
        unread.received_at as anchored_at,
        cast(null as timestamp) as deadline,
        unread.replayed_at as cleared_at,
        profiles.profile_id,
        false as is_backfill
    from unread
    inner join {{ ref('stg_practice_profiles') }} as profiles
        on profiles.authority_code = '*'
    qualify row_number() over (partition by unread.record_id order by profiles.applies_from desc) = 1
)

{{ alert_envelope('unreadable_report', 'found') }}
