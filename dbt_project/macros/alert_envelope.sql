{#- The old id of an alert about a referral or child, from the time before these ids included the family. -#}
{% macro former_alert_id(alert) -%}
    md5(concat_ws(
        '|', {{ alert }}.rule, '', {{ alert }}.entity_kind, {{ alert }}.entity_id,
        {{ alert }}.anchor_source, {{ alert }}.anchor_id
    ))
{%- endmacro %}

{#-
    The last step of each alert model. It makes the columns that all alerts have, from a CTE with these columns:

        clause, severity, family_id, entity_id, reason, evidence, anchor (an evidence),
        anchored_at, deadline, cleared_at, profile_id, is_backfill

    `clause` is null for rules with only one condition. An alert with `cleared_at` is cleared.
    A version of a rule raises alerts only for anchors from its first day on.

    The id of an alert is made from the rule, the clause, what the alert is about, and the source and id of its anchor.
    Ids of alerts about referrals and children also contain the family, because partners number their referrals
    themselves, and a child may be in two families. If the anchors of a rule come from several topics, or have the keys
    of several persons (`anchors='several'`), two anchors of one family may have the same source and id. Then the id of
    the later alert also contains the topic and key of its anchor.
-#}
{% macro alert_envelope(rule, cte, anchors='one') %}
select
    {% if anchors == 'several' -%}
    if(
        row_number() over (partition by found.named_id order by found.anchor) = 1,
        found.named_id,
        md5(concat_ws('|', found.named_id, found.anchor.type, found.anchor."key"))
    ) as alert_id,
    {%- else -%}
    found.named_id as alert_id,
    {%- endif %}
    found.rule,
    found.rule_version,
    substr(found.profile_id, strpos(found.profile_id, '/') + 1) as profile_version,
    coalesce(found.severity, found.rule_severity) as severity,
    if(found.cleared_at is null, 'open', 'cleared') as status,
    found.entity_kind,
    found.entity_id,
    found.family_id,
    found.reason,
    list_transform(
        list_sort(found.evidence), lambda one: {'time': one."time", 'source': one.source, 'id': one.id, 'type': one.type}
    ) as evidence,
    found.anchor.source as anchor_source,
    found.anchor.id as anchor_id,
    found.anchored_at,
    found.deadline,
    found.cleared_at,
    coalesce(list_sort(found.evidence)[-1]."time", found.anchored_at) as occurred_at,
    found.is_backfill
from (
    select
        md5(concat_ws(
            '|', rules.rule, coalesce(raised.clause, ''), rules.entity_kind, raised.entity_id,
            raised.anchor.source, raised.anchor.id,
            if(rules.entity_kind in ('referral', 'child'), raised.family_id, null)
        )) as named_id,
        rules.rule,
        rules.version as rule_version,
        rules.severity as rule_severity,
        rules.entity_kind,
        raised.*
    from {{ cte }} as raised
    inner join {{ ref('stg_rules') }} as rules
        on rules.rule = '{{ rule }}'
        and raised.anchored_at >= rules.applies_from
        and coalesce(raised.anchored_at < rules.applies_until, true)
) as found
{% endmacro %}
