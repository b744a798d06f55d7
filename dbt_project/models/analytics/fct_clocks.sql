-- Clocks of referrals. The front door's clock runs from the submission to the first decision. The hub's clock runs from
-- the decision that sends the referral to the hub until the allocation.
with started as (
    select
        'front_door' as clock,
        family_id,
        referral_id,
        event_order,
        submitted_at as started_at,
        decided_at as stopped_at,
        warn_at,
        limit_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('int_referrals') }}
    union all
    select
        'mash',
        family_id,
        referral_id,
        event_order,
        decided_at,
        allocated_at,
        warn_at,
        limit_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('int_mash_waits') }}
),

told as (
    select
        family_id,
        referral_id,
        min(occurred_at) as told_at
    from {{ ref('stg_events') }}
    where fact = 'feedback-sent' and feedback_kind <> 'acknowledgement'
    group by family_id, referral_id
),

described as (
    select
        started.*,
        referrals.authority_code,
        referrals.severity,
        sources.source_group,
        coalesce(referrals.gateway, areas.gateway, 'unknown') as gateway,
        coalesce(places.lsoa_code, 'unknown') as lsoa_code,
        told.told_at,
        {{ local_time('started.started_at') }} as started_local
    from started
    left join {{ ref('int_referrals') }} as referrals using (family_id, referral_id)
    left join {{ ref('referral_sources') }} as sources on sources.source_code = referrals.source_code
    left join told on told.family_id = started.family_id and told.referral_id = started.referral_id
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = started.family_id and places.from_order <= started.event_order
    left join {{ ref('dim_area') }} as areas
        on areas.authority_code = referrals.authority_code and areas.lsoa_code = places.lsoa_code
)

select
    md5(concat_ws('|', clock, family_id, evidence.source, evidence.id)) as clock_id,
    clock,
    family_id,
    referral_id,
    coalesce(described.authority_code, 'unknown') as authority_code,
    gateway,
    lsoa_code,
    coalesce(source_group, 'Unknown') as source_group,
    coalesce(severity, 'unknown') as severity,
    started_at,
    cast(date_trunc('month', started_local) as date) as started_month,
    hour(started_local) as started_hour,
    isodow(started_local) as started_weekday,
    coalesce({{ is_working_time('today', 'described.started_at', 'profiles') }}, false) as is_in_hours,
    stopped_at,
    warn_at,
    limit_at,
    case
        when stopped_at < started_at or not {{ is_possible('started_at') }} then 'impossible'
        when stopped_at <= limit_at then 'met'
        when stopped_at is not null then 'missed'
        when {{ as_of() }} > limit_at then 'breached'
        when {{ as_of() }} > warn_at then 'due'
        else 'open'
    end as state,
    {{ elapsed('started_at', 'stopped_at', 3.6e9) }} as hours,
    -- Feedback tells the referrer about the front door's decision, so hours to feedback exist only for the front door's
    -- clock.
    if(clock = 'front_door', {{ elapsed('stopped_at', 'told_at', 3.6e9) }}, null) as hours_to_feedback,
    described.is_backfill,
    evidence.source as event_source,
    evidence.id as event_id
from described
inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
left join {{ ref('int_working_days') }} as today on today.calendar_day = cast(described.started_local as date)
