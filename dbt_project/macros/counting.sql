{#-
    Number of different things in a window of events, at the time of each event: with the event (`counted`) and without
    it (`counted_before`). A rule about a number becomes true when the first reaches the number and the second does not.

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
