"""A landing catalog in memory, and events that passed the decoder."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import duckdb
import pytest

from streams.contracts import Accepted, decode, event_types
from streams.contracts.columns import events_table
from streams.contracts.event import fact_name
from streams.contracts.generate.examples import event_example
from streams.settings import PROJECT

NOON = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)


@pytest.fixture
def lake():
    with duckdb.connect() as session:
        session.execute("ATTACH ':memory:' AS landing")
        session.execute((PROJECT / "streams/lake/landing.sql").read_text())
        yield session


@pytest.fixture
def land(lake):
    """
    A function that decodes events and stores them as one batch. Each event is given as its fact and changes to the data
    of that fact's example.
    """
    offsets = iter(range(1_000_000))

    def store(*facts, landed_at=NOON, at=None):
        accepted = [arrived(fact, changes, next(offsets), at or landed_at) for fact, changes in facts]
        rows = events_table(accepted, landed_at)  # noqa: F841  (read by name in the statement)
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT * FROM rows")

    return store


def arrived(fact, changes, offset, at):
    struct = next(struct for type_, struct in event_types().items() if fact_name(type_) == fact)
    message = event_example(struct) | {"id": f"e-{offset}", "time": changes.pop("time", at.isoformat())}
    message["data"] = {name: value for name, value in (message["data"] | changes).items() if value is not None}
    key = next(message["data"][name] for name in struct.key_fields if name in message["data"])
    outcome = decode(
        SimpleNamespace(
            topic=struct.topic,
            partition=0,
            offset=offset,
            timestamp=int(at.timestamp() * 1000),
            key=key.encode(),
            value=json.dumps(message).encode(),
            headers=(),
        )
    )
    assert isinstance(outcome, Accepted), outcome
    return outcome
