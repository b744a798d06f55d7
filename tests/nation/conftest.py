"""
A lake of three authorities with families that live across the authorities' borders, and the tables of the plain
build.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import duckdb
import pytest

from streams.contracts import Accepted, Rejected, decode
from streams.contracts.columns import events_table, quarantine_table
from streams.coverage import EVERY_SOURCE, KINDS, state, statement
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.marts.builder import Builder
from streams.settings import Settings
from streams.simulate import Noise, World
from tests.published import FRESH, published

END = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 5
AUTHORITIES = ["E08000015", "E06000006", "E06000019"]
ACROSS = """
    INSERT INTO landing.main.events
    WITH joined AS (
        SELECT *, dense_rank() OVER (ORDER BY authority_code) AS authority,
               row_number() OVER (PARTITION BY authority_code ORDER BY fact_at, event_id) AS n
        FROM landing.main.events WHERE fact = 'household-joined' AND change = 'recorded'
    )
    SELECT joined.* EXCLUDE (authority, n) REPLACE (
        other.family_id AS family_id,
        other.family_id AS record_key,
        'across-' || joined.event_id AS event_id,
        'across-' || joined.root_id AS root_id,
        joined.kafka_offset + 1000000 AS kafka_offset,
        joined.content_id + 1 AS content_id
    )
    FROM joined
    INNER JOIN joined AS other ON other.n = joined.n AND other.authority = joined.authority % 3 + 1
    WHERE joined.n % 9 = 0
"""
"""
SQL by which every ninth person who joins a household also joins a family of the next authority. The added event keeps
the first authority's code.
"""

ERASED = "DELETE FROM landing.main.events WHERE family_id = (SELECT min(family_id) FROM landing.main.events)"
BEYOND = """
    INSERT INTO landing.main.events
    SELECT * REPLACE (
        'late-' || event_id AS event_id, 'late-' || root_id AS root_id, kafka_offset + 5000000 AS kafka_offset
    )
    FROM landing.main.events WHERE fact = 'referral-submitted' LIMIT 20
"""


@dataclass
class Nation:
    """The lake's settings, and the tables that the plain build published."""

    settings: Settings
    plain: dict[str, Counter]
    columns: dict[str, list]


@pytest.fixture(scope="session")
def spark_venv() -> str:
    """
    The environment with Spark. The environment is kept beside that of the tests, because making it takes a
    minute.
    """
    return os.environ.get("CAF_SPARK_VENV") or str(Path(sys.prefix).with_name("spark-venv"))


@pytest.fixture(scope="module")
def nation(
    settings: Settings, postgres: Postgres, spark_venv: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nation]:
    """
    Five days of three authorities with twice the usual noise, and their plain build.

    The records are in several files. Some records are deleted, some are after the snapshot, and some are unreadable.
    """
    own = replace(
        settings,
        database=f"t_{uuid4().hex[:12]}",
        lake_data=str(tmp_path_factory.mktemp("lake")),
        spark_venv=spark_venv,
        spark_shard_events=700,
    )
    with connect(own, landing="read_write", marts="read_write") as lake:
        _land(lake)
    with Builder(own, fresh_seconds=FRESH) as plain:
        plain.build(tests=False)
    with connect(own) as lake:
        plain = published(lake)
    yield Nation(own, *plain)
    postgres.drop(own.database)


def _land(lake: duckdb.DuckDBPyConnection) -> None:
    accepted, rejected = _decoded()
    third = len(accepted) // 3 + 1
    for first in range(0, len(accepted), third):
        _insert(lake, "events", events_table(accepted[first : first + third], END))
    _insert(lake, "quarantine", quarantine_table(rejected, END))
    lake.execute(ACROSS)
    for code, kinds in zip(AUTHORITIES, (KINDS, KINDS, ["referrals", "levels"]), strict=True):
        said = statement(code, EVERY_SOURCE, kinds, date(2026, 5, 1), None, is_whole=True, why="a test")
        state(lake, replace(said, stated_at=(END - timedelta(days=1)).replace(tzinfo=None)))
    _beat(lake)
    lake.execute(BEYOND)
    lake.execute(ERASED)


def _decoded() -> tuple[list[Accepted], list[Rejected]]:
    noise = Noise()
    noise = replace(noise, **{name: 2 * rate for name, rate in vars(noise).items() if isinstance(rate, float)})
    following: Counter[str] = Counter()
    found = []
    for record in World(7, AUTHORITIES, END - timedelta(days=DAYS), END, stories=1, noise=noise).records():
        sent = SimpleNamespace(
            topic=record.topic,
            partition=0,
            offset=following[record.topic],
            timestamp=int(record.at.timestamp() * 1000),
            key=record.key,
            value=record.value,
            headers=(),
        )
        following[record.topic] += 1
        found.append(decode(sent))
    return [one for one in found if isinstance(one, Accepted)], [one for one in found if isinstance(one, Rejected)]


def _insert(lake: duckdb.DuckDBPyConnection, table: str, rows: object) -> None:
    lake.register("batch", rows)
    lake.execute(f"INSERT INTO landing.main.{table} BY NAME SELECT * FROM batch")
    lake.unregister("batch")


def _beat(lake: duckdb.DuckDBPyConnection) -> None:
    """Write a heartbeat with the watermark after all records that have landed so far."""
    lake.execute(
        """
        INSERT INTO landing.main.heartbeats BY NAME
        SELECT 'caf.heartbeat.v1' AS topic, 0 AS kafka_partition, 0 AS kafka_offset, $1 AS received_at, $1 AS as_of,
               map_from_entries(list((topic, [next]))) AS offsets
        FROM (SELECT topic, max(kafka_offset) + 1 AS next FROM landing.main.events GROUP BY topic)
        """,
        [END.replace(tzinfo=None)],
    )
