{#-
    For each event, the number of different things in the time window that ends with the event. `counted` includes the
    event, and `counted_before` does not. A rule becomes true at an event if `counted` reaches the rule's number and
    `counted_before` does not.

    `events` is a CTE with family_id, event_order, occurred_at, evidence and `window_from`, the beginning of the window.
-#}
{% macro different_in_window(events, thing) %}
    select
        latest.event_order,
        list_unique(list(counted.{{ thing }})) as counted,
        coalesce(
            list_unique(list(counted.{{ thing }}) filter (counted.event_order < latest.event_order)), 0
        ) as counted_before,
        list(counted.evidence) as evidence
    from {{ events }} as latest
    inner join {{ events }} as counted
        on counted.family_id = latest.family_id
        and counted.event_order <= latest.event_order
        and counted.occurred_at >= latest.window_from
    group by latest.event_order
{% endmacro %}
