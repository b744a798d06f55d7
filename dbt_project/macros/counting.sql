{#-
    How many different things a window of events names, at the time of each event, with it (`counted`) and without it
    (`counted_before`): a rule about a number turns true when the one reaches it and the other does not.

    `events` is a CTE with family_id, event_order, occurred_at, evidence and `window_from`, the beginning of its window.
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
