"""Read from the lake which records have landed, the latest builds, and the next publication that is due."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import duckdb

from streams import names
from streams.health.backlog import Backlog
from streams.kafka.generations import Generations
from streams.lake.generations import landed_generations
from streams.lake.offsets import next_offsets
from streams.lake.one_row import one_row
from streams.times import aware, naive

__all__ = ["Lake", "LakeReader"]

_APART = timedelta(hours=1)
"""
How far back the reader looks for newly stored rows.

The times in these rows come from another machine's clock, and a commit takes some time. An hour is enough for both.
"""

_BUILT = "SELECT cut, rowid, started_at, finished_at FROM marts.run.builds WHERE ok ORDER BY rowid DESC LIMIT 1"
_FAILED = """
    SELECT failed, count(*) OVER (), min(finished_at) OVER () FROM marts.run.builds
    WHERE NOT ok AND rowid > ? ORDER BY rowid DESC LIMIT 1
"""
"""
Reads the failed builds since the last successful one.

Builds are sorted by the order of their rows, which is the order in which the builds ended. They are not sorted by time,
because a clock may have been wrong.
"""
_FORGED = """
    SELECT split_part(inbound_record, '/', 1), count(*) FROM landing.main.quarantine
    WHERE reason = 'forged_source' AND landed_at >= ? GROUP BY ALL ORDER BY ALL
"""
_UNBUILT = """
    WITH built AS (
        SELECT
            unnest($cut_topics::VARCHAR[]) AS topic,
            unnest($cut_partitions::INTEGER[]) AS kafka_partition,
            unnest($cut_offsets::BIGINT[]) AS following
    ), landed AS (
        SELECT topic, kafka_partition, kafka_offset, landed_at FROM landing.main.events WHERE landed_at >= $since
        UNION ALL
        SELECT topic, kafka_partition, kafka_offset, landed_at FROM landing.main.quarantine WHERE landed_at >= $since
    )
    SELECT count(*), min(landed_at), arg_min(topic || '/' || kafka_partition || '/' || kafka_offset, landed_at)
    FROM landed LEFT JOIN built USING (topic, kafka_partition)
    WHERE kafka_offset >= coalesce(following, 0) AND list_contains($topics, topic)
"""


@dataclass(frozen=True, kw_only=True)
class Lake:
    """
    What the lake reported. Times have a time zone.

    Attributes:
        landed: the next offset to land in each partition.
        unbuilt: the records that have landed but are not in the marts yet.
        built_at: when the last successful build finished.
        failed: the models that the last build could not build. Empty if that build was successful.
        failures: the number of builds that have failed since the last successful one.
        failing_since: when the first of these failed builds finished.
        due: the oldest closed quarter that is not published, and the day from which it could be published.
        holds: the holds on the marts.
        generations: the generations of the topics.
        forged: for each inbound topic, how many of its records of the last day spoke for somebody else.
    """

    landed: dict[tuple[str, int], int]
    unbuilt: Backlog
    built_at: datetime | None = None
    failed: tuple[str, ...] = ()
    failures: int = 0
    failing_since: datetime | None = None
    due: tuple[date, date] | None = None
    holds: tuple[str, ...] = ()
    generations: Generations = field(default_factory=dict)
    forged: dict[str, int] = field(default_factory=dict)


class LakeReader:
    """Reads the landing tables completely the first time, and after that only the newly stored rows."""

    def __init__(self) -> None:
        self._landed: dict[tuple[str, int], int] = {}
        self._read_at: datetime | None = None

    def read(
        self,
        lake: duckdb.DuckDBPyConnection,
        holds: Callable[[duckdb.DuckDBPyConnection], Iterable[object]] | None = None,
    ) -> Lake:
        """Return the present state of the lake. `holds` is a function that returns the holds on the marts."""
        now = datetime.now(UTC)
        since = None if self._read_at is None else naive(self._read_at - _APART)
        stored = next_offsets(lake, since)
        self._landed |= {place: max(at, self._landed.get(place, 0)) for place, at in stored.items()}
        self._read_at = now
        standing = tuple(map(str, holds(lake))) if holds else ()
        if not _is_built(lake):
            unbuilt = _unbuilt(lake, {}, None, now)
            return Lake(
                landed=dict(self._landed),
                unbuilt=unbuilt,
                holds=standing,
                generations=landed_generations(lake),
                forged=_forged(lake, now),
            )
        cut, number, started, finished = lake.execute(_BUILT).fetchone() or ({}, -1, None, None)
        failed = lake.execute(_FAILED, [number]).fetchone()
        return Lake(
            landed=dict(self._landed),
            unbuilt=_unbuilt(lake, cut, started, now),
            built_at=aware(finished),
            failed=tuple(failed[0]) if failed else (),
            failures=failed[1] if failed else 0,
            failing_since=aware(failed[2]) if failed else None,
            due=_due(lake),
            holds=standing,
            generations=landed_generations(lake),
            forged=_forged(lake, now),
        )


def _unbuilt(
    lake: duckdb.DuckDBPyConnection, cut: dict[str, list[int]], started: datetime | None, now: datetime
) -> Backlog:
    """Return the backlog of records that landed after the snapshot of the last build."""
    since = datetime(1970, 1, 1) if started is None else min(started, naive(now)) - _APART  # noqa: DTZ001  (as it is stored)
    places = [(topic, number, at) for topic, offsets in cut.items() for number, at in enumerate(offsets)]
    values = {
        "since": since,
        "topics": list(names.INPUT_TOPICS),
        "cut_topics": [topic for topic, _, _ in places],
        "cut_partitions": [number for _, number, _ in places],
        "cut_offsets": [at for _, _, at in places],
    }
    records, oldest, first = one_row(lake.execute(_UNBUILT, values))
    return Backlog(
        records=records,
        seconds=max(0.0, (now - aware(oldest)).total_seconds()) if oldest else 0.0,
        first=first or "",
        done=sum(sum(cut.get(topic, [])) for topic in names.INPUT_TOPICS),
    )


def _due(lake: duckdb.DuckDBPyConnection) -> tuple[date, date] | None:
    """Return the oldest quarter that could be published but is not, and the day from which it could be published."""
    from streams.disclosure.due import due, next_due

    try:
        waiting = due(lake)
    except (duckdb.CatalogException, duckdb.BinderException):
        return None  # Nothing has been published yet, or the marts contain nothing that can be published.
    if not waiting:
        return None
    quarter = min(quarter for _, quarter in waiting)
    return quarter, next_due(quarter, None)[1]


def _is_built(lake: duckdb.DuckDBPyConnection) -> bool:
    found = (
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'marts' AND schema_name = 'run' AND table_name = 'builds'"
    )
    return lake.execute(found).fetchone() is not None


def _forged(lake: duckdb.DuckDBPyConnection, now: datetime) -> dict[str, int]:
    try:
        return dict(lake.execute(_FORGED, [naive(now - timedelta(days=1))]).fetchall())
    except duckdb.BinderException:
        return {}  # This lake is from before there were partners, and `land` has not started since.
