-- All alerts: those that the build found in all history, and those that the watcher published up to the same snapshot.
{%- set rules = [
    'adult_returns', 'rapid_escalation', 'cumulative_concern', 're_referral', 'front_door_breach',
    'unreadable_report', 'consent_not_recorded', 'two_agencies_one_week', 'repeat_no_further_action',
    'step_down_failed', 'level_4_for_access', 'marked_adult_joins_other_family', 'mash_breach',
    'waiting_too_long', 'case_drift', 'no_basis_to_share', 'opened_without_right', 'out_of_hours', 'already_open',
    'custody_release_due', 'encompass_notice', 'locality_surge', 'alert_unacknowledged', 'shared_by_too_many',
] %}
with built as (
    {% for rule in rules %}
    select * from {{ ref('alert_' ~ rule) }}
    {%- if not loop.last %} union all by name{% endif %}
    {% endfor %}
),

versions as (
    select *
    from ({{ up_to_the_cut(source('landing', 'alerts'), [
        'test', 'kafka_partition', 'kafka_offset', 'alert_id', 'version', 'rule', 'rule_version', 'severity',
        'status', 'status_reason', 'entity_kind', 'entity_id', 'family_id', 'reason', 'area', 'anchor_source',
        'anchor_id', 'anchored_at', 'cause_received_at', 'raised_at', 'deadline', 'backfill', 'supersedes',
        'acknowledged_at', 'acknowledged_by', 'closed_at', 'closed_by', 'alert_closure',
    ]) }})
    where not test
    qualify row_number() over (partition by alert_id, version order by kafka_partition, kafka_offset) = 1
),

-- Ids of alerts did not always include the family. If an alert was streamed with an old id, the rebuilt alert gets that
-- id too.
rebuilt as (
    select built.* replace (coalesce(former.alert_id, built.alert_id) as alert_id)
    from built
    left join (select distinct alert_id, family_id, entity_kind from versions) as former
        on former.family_id = built.family_id
        and former.entity_kind = built.entity_kind
        and former.entity_kind in ('referral', 'child')
        and former.alert_id = {{ former_alert_id('built') }}
),

-- The acknowledgements and closings in force. A withdrawn acknowledgement or closing does not count, even if alert
-- versions show it.
said as (
    select distinct
        occurred_at,
        worker_id
    from {{ ref('stg_events') }}
    where fact in ('alert-acknowledged', 'alert-closed')
),

acknowledged as (
    select
        versions.alert_id,
        min(versions.acknowledged_at) as acknowledged_at
    from versions
    inner join said on said.occurred_at = versions.acknowledged_at and said.worker_id = versions.acknowledged_by
    group by versions.alert_id
),

closed as (
    select
        versions.alert_id,
        arg_max(versions.closed_at, versions.version) as closed_at,
        arg_max(versions.alert_closure, versions.version) as alert_closure
    from versions
    inner join said on said.occurred_at = versions.closed_at and said.worker_id = versions.closed_by
    group by versions.alert_id
),

streamed as (
    select
        alert_id,
        max(version) as version,
        min(raised_at) as first_raised_at,
        min(raised_at) filter (severity = 'red') as first_red_at,
        -- The area is that of the latest version. If that version has no area, the alert has no area, because the
        -- address may have become protected.
        arg_max_null(area, version) as area,
        bool_or(supersedes is not null) as is_successor,
        -- The clocks of two machines differ, so a delay below 0 counts as 0.
        arg_min(
            if(raised_at < cause_received_at, 0, epoch_us(raised_at - cause_received_at) / 1e6), version
        ) as seconds_to_alert,
        arg_max(rule, version) as rule,
        arg_max(rule_version, version) as rule_version,
        arg_max(severity, version) as severity,
        arg_max(status, version) as status,
        arg_max(status_reason, version) as status_reason,
        arg_max(entity_kind, version) as entity_kind,
        arg_max(entity_id, version) as entity_id,
        arg_max(family_id, version) as family_id,
        arg_max(reason, version) as reason,
        arg_max(anchor_source, version) as anchor_source,
        arg_max(anchor_id, version) as anchor_id,
        arg_max(anchored_at, version) as anchored_at,
        arg_max(deadline, version) as deadline,
        arg_max(backfill, version) as is_backfill
    from versions
    group by alert_id
),

joined as (
    select
        alert_id,
        coalesce(rebuilt.rule, streamed.rule) as rule,
        coalesce(rebuilt.rule_version, streamed.rule_version) as rule_version,
        coalesce(rebuilt.severity, streamed.severity) as severity,
        coalesce(rebuilt.status, streamed.status) as status,
        coalesce(rebuilt.entity_kind, streamed.entity_kind) as entity_kind,
        coalesce(rebuilt.entity_id, streamed.entity_id) as entity_id,
        coalesce(rebuilt.family_id, streamed.family_id) as family_id,
        coalesce(rebuilt.reason, streamed.reason) as reason,
        coalesce(rebuilt.anchor_source, streamed.anchor_source) as anchor_source,
        coalesce(rebuilt.anchor_id, streamed.anchor_id) as anchor_id,
        coalesce(rebuilt.anchored_at, streamed.anchored_at) as anchored_at,
        coalesce(rebuilt.deadline, streamed.deadline) as deadline,
        rebuilt.cleared_at,
        coalesce(rebuilt.is_backfill, streamed.is_backfill) as is_backfill,
        rebuilt.alert_id is not null as is_rebuilt,
        streamed.alert_id is not null as is_streamed,
        streamed.version as streamed_version,
        streamed.severity as streamed_severity,
        streamed.status as streamed_status,
        streamed.status_reason as streamed_status_reason,
        streamed.first_raised_at,
        streamed.first_red_at,
        streamed.area,
        streamed.seconds_to_alert,
        acknowledged.acknowledged_at,
        case
            when acknowledged.acknowledged_at >= streamed.first_raised_at
                then epoch_us(acknowledged.acknowledged_at - streamed.first_raised_at) / 6e7
            -- An alert that replaces an acknowledged alert inherits the acknowledgement. Nobody had to acknowledge the
            -- new alert, so there is no time to count.
            when acknowledged.acknowledged_at < streamed.first_raised_at and not streamed.is_successor then 0
        end as minutes_to_acknowledge,
        closed.closed_at,
        closed.alert_closure
    from rebuilt
    full join streamed using (alert_id)
    left join acknowledged using (alert_id)
    left join closed using (alert_id)
),

-- If several events have the source and id of the anchor, one that names the alert's family is preferred. Events about
-- a person alone name no family.
anchors as (
    select
        joined.alert_id,
        arg_min(events.authority_code, (events.family_id is null, events.event_order)) as authority_code,
        arg_min(events.event_order, (events.family_id is null, events.event_order)) as event_order
    from joined
    inner join {{ ref('stg_events') }} as events
        on events.root_source = joined.anchor_source
        and events.root_id = joined.anchor_id
        and coalesce(events.family_id = joined.family_id, true)
    group by joined.alert_id
)

select
    joined.*,
    {{ local_date('joined.anchored_at') }} as anchored_on,
    coalesce(anchors.authority_code, 'unknown') as authority_code,
    coalesce(places.lsoa_code, 'unknown') as lsoa_code
from joined
left join anchors using (alert_id)
asof left join {{ ref('int_family_places') }} as places
    on places.family_id = joined.family_id and places.from_order <= anchors.event_order
