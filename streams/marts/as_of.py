"""
Build the marts as they were at an earlier time, in a separate file.

Landed records never change, and the lake stores the time at which each record landed. So the figures of a past day can
be built again, whatever has landed since.
"""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from streams import names
from streams.errors import BuildFailed, FileTaken
from streams.lake.connect import connect
from streams.lake.quoted import quoted
from streams.marts.catalog import Publisher, take_over
from streams.marts.snapshot import Snapshot, store_snapshot
from streams.marts.warm_dbt import WarmDbt
from streams.settings import Settings
from streams.times import naive

__all__ = ["build_as_of"]

_LANDED = """
    SELECT topic, kafka_partition,
           max(CASE WHEN landed_at < $moment THEN kafka_offset + 1 ELSE 0 END) AS next_offset
    FROM landing.main.{table} GROUP BY topic, kafka_partition
"""


def build_as_of(settings: Settings, moment: datetime, into: Path) -> Snapshot:
    """
    Build the marts as they were at a given time, into a new DuckDB file. The lake's own marts do not change.

    The build runs today's models with today's seeds on the records that had landed before that time.

    Raises:
        FileTaken: the file already exists, or its folder does not.
        BuildFailed: a model failed.
        LakeUnavailable: the lake does not answer.
    """
    if into.exists() or not into.parent.is_dir():
        raise FileTaken(f"{into} cannot be made: it already exists, or its folder does not; name a new file")
    with connect(settings) as lake:
        snapshot = Snapshot(_offsets(lake, moment), moment.astimezone(UTC), is_watched=False)
    with TemporaryDirectory(dir=into.parent, prefix=".caf-") as folder:
        building = Path(folder) / "marts.duckdb"
        with duckdb.connect() as file:
            file.execute(f"ATTACH {quoted(building)} AS marts")
            store_snapshot(file, snapshot)
        dbt = WarmDbt(settings, building)
        session = dbt.session()
        take_over(session, ())
        failed = dbt.build(without=("unit_test", "test"))
        if failed:
            raise BuildFailed(f"these failed or were skipped in dbt: {', '.join(sorted(failed))}; nothing was written")
        Publisher().publish(session, [*dbt.tables("model"), *dbt.tables("seed")], kept=(), changes={})
        # The caller may read the file as soon as this function returns. So everything is written to the file now.
        session.execute("CHECKPOINT published")
        session.execute("DETACH published")
        building.rename(into)
    return snapshot


def _offsets(lake: duckdb.DuckDBPyConnection, moment: datetime) -> dict[str, list[int]]:
    """
    Return, for each partition, the first offset that had not landed at the given time.

    Rejected records count as landed.
    """
    tables = " UNION ALL ".join(_LANDED.format(table=table) for table in ("events", "quarantine", "alerts"))
    found: dict[str, dict[int, int]] = {}
    query = f"SELECT topic, kafka_partition, max(next_offset) FROM ({tables}) GROUP BY ALL"
    for topic, partition, following in lake.execute(query, {"moment": naive(moment)}).fetchall():
        if topic in (*names.INPUT_TOPICS, names.ALERTS):
            found.setdefault(topic, {})[partition] = following
    return {topic: [parts.get(n, 0) for n in range(max(parts) + 1)] for topic, parts in found.items()}
