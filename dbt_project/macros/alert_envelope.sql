{#-
    Last step of every alert model: the columns that all alerts have, from a CTE with

        clause, severity, family_id, entity_id, reason, evidence, anchor (an evidence),
        anchored_at, deadline, cleared_at, profile_id, is_backfill

    `clause` is null for rules that have one condition; an alert with `cleared_at` is cleared.
    A version of a rule raises alerts only for anchors from its first day on.
-#}
{% macro alert_envelope(rule, cte) %}
select
    md5(concat_ws(
        '|', rules.rule, coalesce(found.clause, ''), rules.entity_kind, found.entity_id,
        found.anchor.source, found.anchor.id
    )) as alert_id,
    rules.rule,
    rules.version as rule_version,
    substr(found.profile_id, strpos(found.profile_id, '/') + 1) as profile_version,
    coalesce(found.severity, rules.severity) as severity,
    if(found.cleared_at is null, 'open', 'cleared') as status,
    rules.entity_kind,
    found.entity_id,
    found.family_id,
    found.reason,
    list_sort(found.evidence) as evidence,
    found.anchor.source as anchor_source,
    found.anchor.id as anchor_id,
    found.anchored_at,
    found.deadline,
    found.cleared_at,
    coalesce(list_sort(found.evidence)[-1]."time", found.anchored_at) as occurred_at,
    found.is_backfill
from {{ cte }} as found
inner join {{ ref('stg_rules') }} as rules
    on rules.rule = '{{ rule }}'
    and found.anchored_at >= rules.applies_from
    and coalesce(found.anchored_at < rules.applies_until, true)
{% endmacro %}
