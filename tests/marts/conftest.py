"""A lake with a few real events, and a warm builder on it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import msgspec
import pyarrow as pa
import pytest

from streams.contracts import Accepted, ContactRecorded, Envelope, ReferralSubmitted, decode
from streams.contracts.codesets import ReferralSource, Severity
from streams.contracts.columns import events_table
from streams.contracts.event import Event
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.marts.builder import Builder
from streams.settings import Settings
from tests.marts.desk import Desk

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOURCE = "/wirral/front-door"


class Lake:
    """A lake for the tests of one module. `land` stores events as the part `land` would."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.duckdb = connect(settings, landing="read_write", marts="read_write")
        self._next: dict[str, int] = {}

    def land(self, *facts: Event, partition: int = 0) -> None:
        self.land_table(events_table([self._accepted(fact, partition) for fact in facts], datetime.now(UTC)))

    def withdraw(self, fact: Event, root_id: str) -> None:
        """Land the withdrawal of an earlier event of the same topic. `fact` is the content of that event."""
        data = {
            "root_source": SOURCE,
            "root_id": root_id,
            "withdrawal_reason": "recorded_in_error",
            "family_id": fact.family_id,
        }
        type_ = ".".join([*fact.type.split(".")[:-2], "withdrawn", "v1"])
        withdrawal = self._decoded(fact.topic, type_, msgspec.json.encode(data), fact.key, partition=0)
        self.land_table(events_table([withdrawal], datetime.now(UTC)))

    def land_table(self, table: pa.Table) -> None:
        self.duckdb.register("batch", table)
        self.duckdb.execute("INSERT INTO landing.main.events BY NAME SELECT * FROM batch")
        self.duckdb.unregister("batch")

    def beat(self, as_of: datetime, offsets: dict[str, list[int]]) -> None:
        number = self.duckdb.execute("SELECT count(*) FROM landing.main.heartbeats").fetchone()[0]
        moment = as_of.astimezone(UTC).replace(tzinfo=None)
        self.duckdb.execute(
            "INSERT INTO landing.main.heartbeats BY NAME SELECT 'caf.heartbeat.v1' AS topic, 0 AS kafka_partition, "
            "? AS kafka_offset, ? AS received_at, ? AS as_of, map(?::VARCHAR[], ?::BIGINT[][]) AS offsets",
            [number, moment, moment, list(offsets), list(offsets.values())],
        )

    def empty(self) -> None:
        for table in ("events", "heartbeats"):
            self.duckdb.execute(f"DELETE FROM landing.main.{table}")
        self._next.clear()

    def one(self, query: str) -> object:
        return self.duckdb.execute(query).fetchone()[0]

    def _accepted(self, fact: Event, partition: int) -> Accepted:
        return self._decoded(fact.topic, fact.type, msgspec.json.encode(fact), fact.key, partition)

    def _decoded(self, topic: str, type_: str, data: bytes, key: str, partition: int) -> Accepted:
        offset = self._next.get(topic, 0)
        self._next[topic] = offset + 1
        envelope = Envelope(
            specversion="1.0",
            id=f"e-{topic}-{offset}",
            source=SOURCE,
            type=type_,
            time=NOON,
            authority="E08000015",
            data=msgspec.Raw(data),
        )
        record = SimpleNamespace(
            topic=topic,
            partition=partition,
            offset=offset,
            timestamp=int(NOON.timestamp() * 1000),
            key=key.encode(),
            value=msgspec.json.encode(envelope),
            headers=[],
        )
        found = decode(record)
        assert isinstance(found, Accepted), found
        return found


def contact(family: str = "F1") -> ContactRecorded:
    return ContactRecorded(contact_id=f"C-{uuid4().hex[:8]}", family_id=family, source_code=ReferralSource.POLICE)


def referral(name: str, family: str = "F1") -> ReferralSubmitted:
    return ReferralSubmitted(
        referral_id=name,
        family_id=family,
        source_code=ReferralSource.POLICE,
        severity=Severity.AMBER,
        person_ids=[f"P-{family}"],
        lsoa_code="E01007110",
    )


@pytest.fixture(scope="module")
def own_lake(settings: Settings, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake that the tests of a module share."""
    folder: Path = tmp_path_factory.mktemp("lake")
    made = Lake(replace(settings, database=f"t_{uuid4().hex[:12]}", lake_data=str(folder)))
    yield made
    made.duckdb.close()
    postgres.drop(made.settings.database)


@pytest.fixture
def lake(own_lake: Lake) -> Lake:
    """The module's lake, emptied for the test."""
    own_lake.empty()
    return own_lake


@pytest.fixture(scope="module")
def warm(own_lake: Lake) -> Iterator[SimpleNamespace]:
    """The module's lake and a builder that its tests share, because dbt takes seconds to start."""
    holds: list[str] = []
    with Builder(own_lake.settings, holds=lambda _: holds) as builder:
        builder.warm()  # On a busy machine, the first heartbeat would otherwise be stale before dbt has started.
        yield SimpleNamespace(lake=own_lake, builder=builder, holds=holds, settings=own_lake.settings)


@pytest.fixture
def make() -> SimpleNamespace:
    made: dict[str, Callable[..., Event]] = {"contact": contact, "referral": referral}
    return SimpleNamespace(**made)


@pytest.fixture
def desk(fresh_settings: Settings, fresh_topics: str) -> Iterator[Desk]:
    made = Desk(replace(fresh_settings, land_batch_seconds=0.05))
    yield made
    made.close()
