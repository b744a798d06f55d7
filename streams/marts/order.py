"""The order of events: the columns that identify an event, and the numbers that tell rules which event came first."""

__all__ = ["EVENT", "GAP", "NAME", "ORDER", "ORDERED", "STAGED"]

STAGED = '"marts"."staging"."stg_events"'
"""The table of the events in force: corrections are applied, and copies and withdrawn events are left out."""

NAME = "topic, record_key, root_source, sent_id"
"""
The columns that form an event's name, as its source chose it. A new record may change all events with the same name.
"""
EVENT = "topic, record_key, root_source, root_id"
"""The columns that identify one event in force."""
ORDER = "occurred_at, root_source, root_id, topic, record_key"
"""The order of the rows in `stg_events`."""

GAP = 2**32
"""The distance between the numbers of consecutive events in `stg_events`. It leaves room for late events."""

ORDERED = f"""
    WITH first AS (
        SELECT min(occurred_at) AS occurred_at FROM delta.changed.stg_events
    ),
    unchanged AS (
        SELECT {ORDER}, events.event_order
        FROM {STAGED} AS events
        ANTI JOIN delta.landed.roots USING ({NAME})
    ),
    around AS (
        SELECT * FROM unchanged WHERE occurred_at >= (SELECT occurred_at FROM first)
        UNION ALL
        SELECT {ORDER}, NULL FROM delta.changed.stg_events
    ),
    neighbours AS (
        SELECT
            *,
            coalesce(
                max(event_order) OVER (ORDER BY {ORDER} ROWS UNBOUNDED PRECEDING),
                (SELECT max(event_order) FROM unchanged WHERE occurred_at < (SELECT occurred_at FROM first)),
                0
            ) AS lower,
            min(event_order) OVER (
                ORDER BY {ORDER} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ) AS upper
        FROM around
    ),
    counted AS (
        SELECT
            *,
            row_number() OVER (PARTITION BY lower ORDER BY {ORDER}) AS number,
            count(*) OVER (PARTITION BY lower) AS numbers
        FROM neighbours
        WHERE event_order IS NULL
    )
    SELECT
        {EVENT},
        lower + number * coalesce((upper - lower) // (numbers + 1), {GAP}) AS event_order,
        coalesce(upper - lower > numbers, true) AS has_room
    FROM counted
"""
"""SQL that gives each new event a number between the numbers of its neighbours. The neighbours keep their numbers."""
