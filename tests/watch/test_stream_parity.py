"""One event after another says in the end what one look at everything says."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from streams.contracts import decode
from streams.contracts.columns import events_table, quarantine_table
from streams.route.router import Router
from streams.route.routes import read_routes
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.watch.judge import Judge
from tests.oracle.records import decoded
from tests.oracle.strategies import Case, case

WORLDS = 20
MOMENT = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def engine(settings) -> Iterator[Engine]:
    engine = Engine(compiled_rules(settings))
    yield engine
    engine.close()


def streamed(engine: Engine, world: Case, seed: int) -> set[tuple]:
    """What stands after the records came in small batches, deadlines passing in between."""
    chance = random.Random(seed)
    judge, latest = Judge(engine, Router("E08000015", read_routes()), "{family_id}"), {}

    def publish(chunks) -> None:
        for alert in (alert for chunk in chunks for alert in chunk):
            known = latest.get(alert.alert_id)
            assert alert.version == (known.version if known else 0) + 1, "a version is said once"
            latest[alert.alert_id] = alert
            judge.book.record(alert)

    def pass_deadlines(now: datetime) -> None:
        while (due := judge.deadlines.next_due()) is not None and due < now:
            publish(judge.due(due + MOMENT, due + MOMENT))

    records = list(world.records)
    while records:
        size = chance.randint(1, 6)
        batch, records = records[:size], records[size:]
        now = datetime.fromtimestamp(max(record.timestamp for record in batch) / 1000, UTC)
        pass_deadlines(now)
        publish(judge.judge([judge.remember(decode(record)) for record in batch], now, now))
    pass_deadlines(world.as_of)
    return {said(alert) for alert in latest.values() if alert.status != "withdrawn"}


def said(alert) -> tuple:
    """What must be equal in both: id, severity, status and evidence."""
    evidence = frozenset(
        (item["source"], item["id"]) if isinstance(item, dict) else (item.source, item.id) for item in alert.evidence
    )
    return alert.alert_id, str(alert.severity), str(alert.status), evidence


@pytest.mark.parametrize("seed", range(WORLDS))
def test_stream_says_what_one_look_says(engine, seed):
    """The sets at the end are equal, and no version was said twice."""
    world = case(seed)
    events, rejected = decoded(world.records)
    tables = events_table(events, world.as_of), quarantine_table(rejected, world.as_of)
    whole = engine.evaluate(*tables, engine.compiled.rules, world.as_of).alerts

    assert streamed(engine, world, seed) == {said(alert) for alert in whole}
