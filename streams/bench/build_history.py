"""
The load of `./caf bench build`: a simulated year of a borough, copied until the history is long enough.

Each copy has the same places, but other families and persons, and slightly earlier times. New events are about the
first copy.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zlib import crc32

import duckdb
import pyarrow as pa

from streams.contracts import Accepted, decode
from streams.contracts.columns import EVENT_COLUMNS, events_table
from streams.coverage import EVERY_SOURCE, KINDS, state, statement
from streams.lake.connect import connect
from streams.settings import Settings
from streams.simulate import World

__all__ = ["BuildHistory", "cover_year"]

_PARTITIONS = 3
_NOT_OF_A_FAMILY = {"agency_id", "content_id", "school_id", "service_id", "worker_id"}
_IDS = ["record_key", *(name for name in EVENT_COLUMNS if name.endswith("_id") and name not in _NOT_OF_A_FAMILY)]
_LISTS_OF_IDS = ["marker_families", "person_ids"]
_TIMES = ["received_at", "event_at", "fact_at"]


class BuildHistory:
    """
    Rows of `landing.events` for a number of days.

    The last `held` events are kept back at first, and arrive later as new events.
    """

    def __init__(self, authority: str, held: int, days: int = 365) -> None:
        self._held = held
        self._session = duckdb.connect()
        self._session.execute("SET TimeZone = 'UTC'")
        year = events_table(_accepted(authority, days), datetime.now(UTC))
        self._session.register("simulated", year)
        self._session.execute(
            "CREATE TABLE year AS "
            "SELECT *, row_number() OVER (ORDER BY received_at, topic, kafka_partition, kafka_offset) AS n "
            "FROM simulated"
        )
        self._session.unregister("simulated")
        self._size = year.num_rows - held

    def copies(self, events: int, at_most: int | None = None) -> Iterator[pa.Table]:
        """
        Yield tables with `events` rows in total. Each table is a copy of the year, or of the year's last rows.

        A table has no more than `at_most` rows.
        """
        size = min(self._size, at_most or self._size)
        for number in range(-(-events // size)):
            wanted = min(size, events - number * size)
            yield self._rows(number, f"n > {self._size - wanted} AND n <= {self._size}")

    def new(self, events: int, after: int) -> list[pa.Table]:
        """
        Return the events that were kept back, as tables of `events` rows each.

        Their offsets come after all offsets of a history with `after` events.
        """
        copies = -(-after // self._size)
        firsts = range(self._size, self._size + self._held, events)
        return [self._rows(0, f"n > {first} AND n <= {first + events}", after=copies) for first in firsts]

    def _rows(self, copy: int, which: str, after: int | None = None) -> pa.Table:
        changed = {name: f"{name} || '~{copy}'" for name in _IDS}
        changed |= {name: f"list_transform({name}, one -> one || '~{copy}')" for name in _LISTS_OF_IDS}
        # Shift each copy in time, so that no two copies have an event at the same instant.
        changed |= {name: f"{name} - to_microseconds({copy * 2_220_000_001})" for name in _TIMES}
        offset = (copy if after is None else after) * (self._size + self._held)
        changed["kafka_offset"] = f"kafka_offset + {offset}"
        replaced = ", ".join(f"{value} AS {name}" for name, value in changed.items())
        query = f"SELECT * EXCLUDE (n) REPLACE ({replaced}) FROM year WHERE {which} ORDER BY n"
        return self._session.execute(query).to_arrow_table()


def _accepted(authority: str, days: int) -> Iterator[Accepted]:
    """Yield the simulated events that the contract accepts, for the `days` that ended last midnight."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    following: Counter[tuple[str, int]] = Counter()
    for record in World(1, [authority], midnight - timedelta(days=days), midnight).records():
        partition = crc32(record.key or b"") % _PARTITIONS
        sent = SimpleNamespace(
            topic=record.topic,
            partition=partition,
            offset=following[record.topic, partition],
            timestamp=int(record.at.timestamp() * 1000),
            key=record.key,
            value=record.value,
            headers=(),
        )
        following[record.topic, partition] += 1
        found = decode(sent)
        if isinstance(found, Accepted):
            yield found


def cover_year(settings: Settings, authorities: Iterable[str]) -> None:
    """State that the records of all sources are complete from a year ago on. Figures exist only for such days."""
    first = (datetime.now(UTC) - timedelta(days=365)).date()
    with connect(settings, landing="read_write", marts=None) as lake:
        for authority in authorities:
            state(lake, statement(authority, EVERY_SOURCE, KINDS, first, None, is_whole=True, why="simulated"))
