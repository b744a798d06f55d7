"""
Counts for monitoring that only the lake has: rejected records by source and reason, and how long alerts took.

A source is what a sender writes. Only those that are systems are told by name: they have sent accepted events of many
families. Whatever else stands there (a family's number, thousands of made-up names) is counted as `other`.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

import duckdb

__all__ = ["OTHER", "FigureReader", "Figures"]

OTHER = "other"
_FAMILIES = 20
"""Families (or persons) that a source must have sent events of, to be a system and no family."""
_SOURCES = 50
"""Sources that are told by name, those with most events first: each is a time series for each reason."""
_SOURCES_EVERY_SECONDS = 600
_LONGEST_SOURCE = 100

_KNOWN = """
    SELECT event_source FROM landing.main.events
    WHERE length(event_source) <= $longest
    GROUP BY event_source HAVING count(DISTINCT record_key) >= $families
    ORDER BY count(*) DESC, event_source LIMIT $sources
"""
_REJECTED = """
    SELECT CASE WHEN list_contains($known, source) THEN source ELSE $other END, reason, count(*)
    FROM (
        SELECT reason, TRY(json_extract_string(decode(record_value), '$.source')) AS source
        FROM landing.main.quarantine
        WHERE landed_at > $since AND landed_at <= $until AND reason <> 'batch'
    )
    GROUP BY ALL
"""
_TOOK = """
    SELECT greatest(0, epoch(received_at - cause_received_at)) FROM landing.main.alerts
    WHERE landed_at > $since AND landed_at <= $until AND NOT backfill AND NOT test
"""
_LANDED = """
    SELECT greatest(
        (SELECT coalesce(max(landed_at), '-infinity') FROM landing.main.quarantine),
        (SELECT coalesce(max(landed_at), '-infinity') FROM landing.main.alerts)
    )
"""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """`rejected` counts from the first record on; `took` are seconds, of the alerts since the last reading."""

    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)


class FigureReader:
    """Reads what has landed since the last time."""

    def __init__(self) -> None:
        self._rejected: Counter[tuple[str, str]] = Counter()
        self._read_until: datetime | None = None
        self._known: list[str] = []
        self._known_at = float("-inf")

    def read(self, lake: duckdb.DuckDBPyConnection) -> Figures:
        """The counts up to now."""
        if monotonic() - self._known_at > _SOURCES_EVERY_SECONDS:
            limits = {"longest": _LONGEST_SOURCE, "families": _FAMILIES, "sources": _SOURCES}
            self._known = [source for (source,) in lake.execute(_KNOWN, limits).fetchall()]
            self._known_at = monotonic()
        (until,) = lake.execute(_LANDED).fetchone()
        is_first, since = self._read_until is None, self._read_until or datetime(1970, 1, 1)  # noqa: DTZ001  (as stored)
        span = {"since": since, "until": until}
        for source, reason, count in lake.execute(_REJECTED, {**span, "known": self._known, "other": OTHER}).fetchall():
            self._rejected[source, reason] += count
        # What came before the first reading is history, and would be taken for what happens now.
        took = [] if is_first else [seconds for (seconds,) in lake.execute(_TOOK, span).fetchall()]
        self._read_until = until
        return Figures(rejected=Counter(self._rejected), took=took)
