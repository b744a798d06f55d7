"""The order of events: what names one, and the numbers by which rules know earlier from later."""

__all__ = ["EVENT", "GAP", "NAME", "ORDER", "ORDERED", "STAGED"]

STAGED = '"marts"."staging"."stg_events"'
"""The events in force."""

NAME = "topic, record_key, root_source, sent_id"
"""What an event is called by its source; a new one of the name can change what stands of the others."""
EVENT = "topic, record_key, root_source, root_id"
"""What names one event in force."""
ORDER = "occurred_at, root_source, root_id, topic, record_key"
"""As `stg_events` is ordered."""

GAP = 2**32
"""How far apart events behind the last one are numbered, as in `stg_events`: late ones find room between them."""

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
"""Numbers for the new events that lie between those of their neighbours, which keep theirs."""
