{#- These tests make one query for a model and not one for each column, because a build runs every few seconds. -#}

{% test is_key(model, column_name) %}
    select {{ column_name }}
    from {{ model }}
    group by {{ column_name }}
    having count(*) > 1 or {{ column_name }} is null
{% endtest %}

{% test alerts_are_whole(model) %}
    select alert_id
    from {{ model }}
    where
        alert_id is null
        or severity not in ('red', 'amber', 'green')
        or status not in ('open', 'cleared')
        or (status = 'cleared') <> (cleared_at is not null)
        or (family_id is null and entity_kind not in ('record', 'area', 'alert', 'identifier'))
        or reason is null
        or evidence is null
        or anchor_source is null
        or anchor_id is null
        or anchored_at is null
        or entity_id is null
        or profile_version is null
        or is_backfill is null
    union all
    select alert_id
    from {{ model }}
    group by alert_id
    having count(*) > 1
{% endtest %}
