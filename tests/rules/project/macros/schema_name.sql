{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}

{% macro alert(rule, clause, rows) %}
select
    md5(concat_ws('|', '{{ rule }}', '{{ clause }}', entity_kind, entity_id, anchor_source, anchor_id)) as alert_id,
    '{{ rule }}' as rule,
    1::integer as rule_version,
    '1' as profile_version,
    severity,
    status,
    entity_kind,
    entity_id,
    family_id,
    reason,
    list_sort(evidence) as evidence,
    anchor_source,
    anchor_id,
    anchored_at,
    deadline,
    cleared_at,
    coalesce(list_sort(evidence)[-1]."time", anchored_at) as occurred_at,
    is_backfill
from {{ rows }}
{% endmacro %}
