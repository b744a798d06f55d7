"""
Read the figures for monitoring that only the lake has: how many records were rejected, and how long each alert took.

Rejected records are counted by source and reason. The sender writes the source, so the source can be anything, for
example a family's number, and there can be thousands of invented ones. Therefore, a source is named only if it is
certainly a system, because it has sent accepted events about many families. All others are counted as `other`. A record
with a forged source is counted under the inbound topic of the partner that sent it, and not under the source.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

import duckdb

from streams.lake.one_row import one_row

__all__ = ["OTHER", "FigureReader", "Figures"]

OTHER = "other"
_FAMILIES = 20
"""A source counts as a system if it has sent events about at least this many families or persons."""
_SOURCES = 50
"""
The maximum number of sources that are named. The sources with the most events are named first.

There is a maximum because Prometheus keeps one time series for each source and reason.
"""
_SOURCES_EVERY_SECONDS = 600
_LONGEST_SOURCE = 100

_KNOWN = """
    SELECT event_source FROM landing.main.events
    WHERE length(event_source) <= $longest
    GROUP BY event_source HAVING count(DISTINCT record_key) >= $families
    ORDER BY count(*) DESC, event_source LIMIT $sources
"""
_REJECTED = """
    SELECT CASE WHEN reason = 'forged_source' THEN split_part(inbound_record, '/', 1)
                WHEN list_contains($known, source) THEN source ELSE $other END, reason, count(*)
    FROM (
        SELECT reason, inbound_record, TRY(json_extract_string(decode(record_value), '$.source')) AS source
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
    """
    Figures from the lake.

    Attributes:
        rejected: the number of all rejected records so far, by source and reason.
        took: for each alert since the last reading, the seconds from the arrival of its cause to the alert.
    """

    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)


class FigureReader:
    """Reads the figures. Each reading after the first reads only rows that have landed since the last one."""

    def __init__(self) -> None:
        self._rejected: Counter[tuple[str, str]] = Counter()
        self._read_until: datetime | None = None
        self._known: list[str] = []
        self._known_at = float("-inf")

    def read(self, lake: duckdb.DuckDBPyConnection) -> Figures:
        """Return the present figures."""
        if monotonic() - self._known_at > _SOURCES_EVERY_SECONDS:
            limits = {"longest": _LONGEST_SOURCE, "families": _FAMILIES, "sources": _SOURCES}
            self._known = [source for (source,) in lake.execute(_KNOWN, limits).fetchall()]
            self._known_at = monotonic()
        (until,) = one_row(lake.execute(_LANDED))
        is_first, since = self._read_until is None, self._read_until or datetime(1970, 1, 1)  # noqa: DTZ001  (as stored)
        span = {"since": since, "until": until}
        for source, reason, count in lake.execute(_REJECTED, {**span, "known": self._known, "other": OTHER}).fetchall():
            self._rejected[source, reason] += count
        # Leave out alerts from before the first reading, because monitoring would show them as new.
        took = [] if is_first else [seconds for (seconds,) in lake.execute(_TOOK, span).fetchall()]
        self._read_until = until
        return Figures(rejected=Counter(self._rejected), took=took)
