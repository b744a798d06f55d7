"""One event after another says in the end what one look at everything says."""

import random
from collections.abc import Iterator

import pytest

from streams.contracts.columns import events_table, quarantine_table
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from tests.oracle.records import decoded
from tests.oracle.strategies import case, dense
from tests.watch.streaming import Stream, said

WORLDS = 24
AHEAD = (-12, -1, 0, 1, 12)
"""By how many records the lake may be behind the watcher, or ahead of it, when it starts anew."""


@pytest.fixture(scope="module")
def engine(settings) -> Iterator[Engine]:
    engine = Engine(compiled_rules(settings))
    yield engine
    engine.close()


@pytest.mark.parametrize("seed", range(WORLDS))
def test_stream_says_what_one_look_says(engine, seed, monkeypatch):
    """The sets at the end are equal, and no version was said twice; also when the watcher starts anew."""
    chance = random.Random(seed)
    world = case(seed) if seed % 2 else dense(seed)
    records = list(world.records)
    events, rejected = decoded(records)
    tables = events_table(events, world.as_of), quarantine_table(rejected, world.as_of)
    whole = engine.evaluate(*tables, engine.compiled.rules, world.as_of).alerts
    anew = sorted(chance.choices(range(1, len(records)), k=seed % 4))

    stream, taken = Stream(engine), 0
    while taken < len(records):
        batch = records[taken : taken + chance.randint(1, 6)]
        stream.take(batch)
        taken += len(batch)
        if anew and anew[0] <= taken:
            anew.pop(0)
            landed = max(0, taken + chance.choice(AHEAD))
            stream.restart(records[:taken], records[:landed], monkeypatch)
            taken = min(max(taken, landed), len(records))
    stream.pass_deadlines(world.as_of)

    assert stream.standing == {said(alert) for alert in whole}
