"""One lake and one build for all tests of the marts, with a simulated year and hand-made families."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from uuid import uuid4

import duckdb
import pytest

from streams.contracts import Accepted, decode
from streams.contracts.columns import events_table, quarantine_table
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.marts import build
from streams.settings import Settings
from streams.simulate.world import World
from tests.analytics.families import Families
from tests.covered import cover

SIMULATED = "E06000006"
"""Halton, the smallest authority for which all figures are published."""
START, END = datetime(2025, 4, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
ARRIVED_MS = int(END.timestamp() * 1000)


@pytest.fixture(scope="session")
def families() -> Families:
    """Hand-made families, with the alerts about them."""
    return Families(datetime.now(UTC))


@pytest.fixture(scope="session")
def year(families: Families) -> list[Accepted]:
    """
    The decoded records of a simulated year, each on partition 0 of its topic, and the events of the hand-made
    families.
    """
    world = World(7, [SIMULATED], START, END)
    offsets: Counter[str] = Counter()
    found = []
    for record in world.records():
        offset, offsets[record.topic] = offsets[record.topic], offsets[record.topic] + 1
        found.append(
            decode(
                SimpleNamespace(
                    topic=record.topic,
                    partition=0,
                    offset=offset,
                    timestamp=ARRIVED_MS,
                    key=record.key,
                    value=record.value,
                    headers=[],
                )
            )
        )
    return found + families.events


@pytest.fixture(scope="session")
def facts(year: list[Accepted]) -> list[tuple[datetime, str, object]]:
    """
    Facts in force with their times and authorities, in time order. Facts with the same time are ordered by source and
    id.

    A simple loop finds these facts, without any SQL of the models.
    """
    roots: dict[tuple[str, str], list[Accepted]] = {}
    for event in year:
        if isinstance(event, Accepted):
            roots.setdefault(event.root, []).append(event)
    found = []
    for root, events in roots.items():
        amended = [e for e in events if e.change != "recorded"]
        latest = max(amended, key=lambda e: (e.envelope.time, e.envelope.id)) if amended else events[0]
        if latest.change != "withdrawn":
            at = latest.amendment.replaced_time if latest.change == "corrected" else latest.envelope.time
            arrived = datetime.fromtimestamp(latest.received_ms / 1000, UTC)
            found.append((min(at, arrived), root, latest.envelope.authority, latest.fact))
    return [(at, authority, fact) for at, _, authority, fact in sorted(found, key=lambda one: one[:2])]


@pytest.fixture(scope="session")
def in_force(facts: list[tuple[datetime, str, object]]) -> list[tuple[datetime, object]]:
    """The facts in force of all authorities, without the name of the authority."""
    return [(at, fact) for at, _, fact in facts]


@pytest.fixture(scope="session")
def built(
    year: list[Accepted],
    families: Families,
    settings: Settings,
    postgres: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """Settings of a lake in which the year was built, with every data test of the project."""
    own = replace(settings, database=f"t_{uuid4().hex[:12]}", lake_data=str(tmp_path_factory.mktemp("lake")))
    with connect(own, landing="read_write") as lake:
        lake.register("batch", events_table([e for e in year if isinstance(e, Accepted)], datetime.now(UTC)))
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT * FROM batch")
        refused = quarantine_table([e for e in year if not isinstance(e, Accepted)], datetime.now(UTC))
        lake.register("refused", refused)
        lake.execute("INSERT INTO landing.main.quarantine BY NAME SELECT * FROM refused")
        lake.register("alerted", families.alerts_table())
        lake.execute("INSERT INTO landing.main.alerts BY NAME SELECT * FROM alerted")
    cover(own, SIMULATED, date(2025, 3, 1))  # planted stories have referrals from before the simulated year
    build(own, full=True)
    return own


@pytest.fixture(scope="session")
def marts(built: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the lake with the built marts."""
    with connect(built) as lake:
        yield lake
