"""
Choose the snapshot of a build: the offsets up to which the build reads, and the time for which it evaluates rules.

If the snapshot is the watcher's watermark, the build can be compared with the stream, alert by alert.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from streams import names
from streams.lake.offsets import next_offsets
from streams.lake.transaction import transaction
from streams.rules.run_tables import create_run_tables
from streams.times import aware, naive

__all__ = ["Landed", "Offsets", "Snapshot", "choose_snapshot", "landed_offsets", "records", "store_snapshot"]

Offsets = dict[str, list[int]]
"""The next offset of each partition, by topic."""

_HEARTBEATS = """
    SELECT as_of, offsets FROM landing.main.heartbeats WHERE as_of >= ?
    ORDER BY list_sum(flatten(map_values(offsets))) DESC, received_at DESC, kafka_offset DESC
"""
"""
SQL that reads recent heartbeats. The heartbeat whose watermark covers the most records comes first.

This is not always the latest heartbeat. If a watcher was paused, its heartbeat covers fewer records than an earlier one
of another watcher.
"""

_UNUSED = """
    SELECT topic, kafka_partition, first_offset, max(next_offset) FROM landing.main.unused_offsets GROUP BY ALL
"""

_CLOCKS_APART = timedelta(hours=1)
"""
When `Landed` looks for new rows, it begins this long before the time of its last look.

The row's time comes from another machine, whose clock may be slow. In addition, a row becomes visible only when it is
committed. An hour is enough for both.
"""


@dataclass(frozen=True)
class Snapshot:
    """
    The offsets up to which a build reads, and the time of the build (UTC). Deadlines before this time have passed.

    If `is_watched` is true, the snapshot is a watermark: the watcher had evaluated and published everything before it.
    Otherwise the snapshot is everything that had landed when it was chosen, and its time is when it was chosen.
    """

    offsets: Offsets
    as_of: datetime
    is_watched: bool

    def covers(self, offsets: Offsets) -> bool:
        """True if the snapshot has every record of the input topics before these offsets."""
        return all(_covers(self.offsets.get(topic, []), offsets.get(topic, [])) for topic in names.INPUT_TOPICS)

    @property
    def records(self) -> int:
        """The number of records of the input topics in the snapshot."""
        return records(self.offsets)


def records(offsets: Offsets) -> int:
    """Return how many records of the input topics lie before these offsets."""
    return sum(sum(offsets.get(topic, [])) for topic in names.INPUT_TOPICS)


def choose_snapshot(lake: duckdb.DuckDBPyConnection, now: datetime, fresh: timedelta, landed: Offsets) -> Snapshot:
    """
    Choose the latest watermark up to which everything has landed.

    Without a watermark, choose everything that has landed.

    The heartbeat with the watermark must be at most `fresh` old. If no watcher runs, the marts are still built, but
    they are not compared with the stream.
    """
    oldest = naive(now - fresh)
    for as_of, offsets in lake.execute(_HEARTBEATS, [oldest]).fetchall():
        if all(_covers(landed.get(topic, []), following) for topic, following in offsets.items()):
            return Snapshot(offsets, aware(as_of), is_watched=True)
    inputs = {topic: following for topic, following in landed.items() if topic in names.INPUT_TOPICS}
    return Snapshot(inputs, now, is_watched=False)


def landed_offsets(lake: duckdb.DuckDBPyConnection) -> Offsets:
    """
    Return the next offset to land, for the input topics and the alerts topic.

    Offsets that hold no record have landed as well, as far as `landing.unused_offsets` knows them.
    """
    return _by_topic(_past_unused(lake, next_offsets(lake)))


class Landed:
    """Finds the next offsets to land. The first call reads all rows, and later calls read only newly stored rows."""

    def __init__(self, lake: duckdb.DuckDBPyConnection) -> None:
        self._lake = lake
        self._next: dict[tuple[str, int], int] = {}
        self._read_at: datetime | None = None

    def offsets(self, now: datetime, *, anew: bool = False) -> Offsets:
        """
        Return the next offsets at `now`.

        If `anew` is true, read all rows, and not only those stored since the last call.
        """
        if anew or self._read_at is None:
            self._next = next_offsets(self._lake)
        else:
            stored = next_offsets(self._lake, naive(self._read_at - _CLOCKS_APART))
            self._next |= {place: max(at, self._next.get(place, 0)) for place, at in stored.items()}
        self._read_at = now.astimezone(UTC)
        return _by_topic(_past_unused(self._lake, self._next))


def _past_unused(lake: duckdb.DuckDBPyConnection, following: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    try:
        unused = lake.execute(_UNUSED).fetchall()
    except duckdb.CatalogException:
        return following  # a lake of an earlier version, until `land` has started once
    return following | {(topic, n): end for topic, n, since, end in unused if following.get((topic, n)) == since}


def _by_topic(following: dict[tuple[str, int], int]) -> Offsets:
    found: dict[str, dict[int, int]] = {}
    for (topic, partition), offset in following.items():
        if topic in (*names.INPUT_TOPICS, names.ALERTS):
            found.setdefault(topic, {})[partition] = offset
    return {topic: [parts.get(n, 0) for n in range(max(parts) + 1)] for topic, parts in found.items()}


def store_snapshot(lake: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """
    Store the snapshot where the next build reads it (`run.next_cut`, `run.next_as_of`).

    The build publishes the snapshot as `run.cut` and `run.as_of`, together with its tables.
    """
    lake.execute(create_run_tables("next_"))
    rows = [(topic, n, following) for topic, parts in snapshot.offsets.items() for n, following in enumerate(parts)]
    with transaction(lake):
        lake.execute("DELETE FROM marts.run.next_cut")
        if rows:
            lake.execute(
                "INSERT INTO marts.run.next_cut SELECT unnest(?::VARCHAR[]), unnest(?::INTEGER[]), unnest(?::BIGINT[])",
                [list(column) for column in zip(*rows, strict=True)],
            )
        lake.execute("DELETE FROM marts.run.next_as_of")
        lake.execute("INSERT INTO marts.run.next_as_of VALUES (?)", [naive(snapshot.as_of)])


def _covers(these: list[int], those: list[int]) -> bool:
    return all(that <= (these[n] if n < len(these) else 0) for n, that in enumerate(those))
