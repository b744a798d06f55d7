"""
Where a build stops reading, and at which instant it judges.

A build at the watcher's own cut can be compared with what was streamed, alert by alert.
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
"""By topic, the next offset of each partition."""

_HEARTBEATS = """
    SELECT as_of, offsets FROM landing.main.heartbeats WHERE as_of >= ?
    ORDER BY list_sum(flatten(map_values(offsets))) DESC, received_at DESC, kafka_offset DESC
"""
"""The one that covers most comes first: one of a watcher that was paused may arrive later, and is true of less."""

_CLOCKS_APART = timedelta(hours=1)
"""How far back to look for what was stored since: rows bear the time of another machine, and a commit takes a while."""


@dataclass(frozen=True)
class Snapshot:
    """
    The offsets before which events are seen, and the instant (UTC) before which deadlines have passed.

    `is_watched`: it is what the watcher had judged and written; otherwise what had landed, and the present.
    """

    offsets: Offsets
    as_of: datetime
    is_watched: bool

    def covers(self, offsets: Offsets) -> bool:
        """Whether every record of the input topics before these offsets is before the cut."""
        return all(_covers(self.offsets.get(topic, []), offsets.get(topic, [])) for topic in names.INPUT_TOPICS)

    @property
    def records(self) -> int:
        """Records of the input topics before the cut."""
        return records(self.offsets)


def records(offsets: Offsets) -> int:
    """Records of the input topics before the offsets."""
    return sum(sum(offsets.get(topic, [])) for topic in names.INPUT_TOPICS)


def choose_snapshot(lake: duckdb.DuckDBPyConnection, now: datetime, fresh: timedelta, landed: Offsets) -> Snapshot:
    """
    The cut of the latest heartbeat of which all has landed, if it is at most `fresh` old; else what has landed.

    Without a living watcher the marts go on, and nothing streamed is compared.
    """
    oldest = naive(now - fresh)
    for as_of, offsets in lake.execute(_HEARTBEATS, [oldest]).fetchall():
        if all(_covers(landed.get(topic, []), following) for topic, following in offsets.items()):
            return Snapshot(offsets, aware(as_of), is_watched=True)
    inputs = {topic: following for topic, following in landed.items() if topic in names.INPUT_TOPICS}
    return Snapshot(inputs, now, is_watched=False)


def landed_offsets(lake: duckdb.DuckDBPyConnection) -> Offsets:
    """The next offset to land, of the input topics and the alerts topic."""
    return _by_topic(next_offsets(lake))


class Landed:
    """The same for whoever asks again and again: all that has landed is read once, then what was stored since."""

    def __init__(self, lake: duckdb.DuckDBPyConnection) -> None:
        self._lake = lake
        self._next: dict[tuple[str, int], int] = {}
        self._read_at: datetime | None = None

    def offsets(self, now: datetime, *, anew: bool = False) -> Offsets:
        """The next offsets at `now`, at the cost of what was stored since the last time; or of everything, `anew`."""
        if anew or self._read_at is None:
            self._next = next_offsets(self._lake)
        else:
            stored = next_offsets(self._lake, naive(self._read_at - _CLOCKS_APART))
            self._next |= {place: max(at, self._next.get(place, 0)) for place, at in stored.items()}
        self._read_at = now.astimezone(UTC)
        return _by_topic(self._next)


def _by_topic(following: dict[tuple[str, int], int]) -> Offsets:
    found: dict[str, dict[int, int]] = {}
    for (topic, partition), offset in following.items():
        if topic in (*names.INPUT_TOPICS, names.ALERTS):
            found.setdefault(topic, {})[partition] = offset
    return {topic: [parts.get(n, 0) for n in range(max(parts) + 1)] for topic, parts in found.items()}


def store_snapshot(lake: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Write the cut where the next build takes it from; `run.cut` and `run.as_of` are published with what it built."""
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
