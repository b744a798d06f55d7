"""The compiled rules are compared with the brute-force oracle on random worlds."""

import csv
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from streams.contracts.columns import events_table, quarantine_table
from streams.rules.compiled import DBT_PROJECT
from streams.rules.engine import Engine
from streams.rules.postgres.engine import PostgresEngine
from tests.oracle.compare import difference
from tests.oracle.oracle import ALL, expected
from tests.oracle.records import decoded
from tests.oracle.strategies import Case, case, dense, reused
from tests.parity.engines import difference_of_engines

NO_ORACLE = frozenset({"alert_unacknowledged", "locality_surge", "shared_by_too_many"})
"""
Rules about alerts, areas and ids. Rules of this kind do not evaluate the events of families, and have separate tests.
"""


def test_every_rule_has_an_oracle_and_every_oracle_its_rule() -> None:
    with (DBT_PROJECT / "seeds" / "rules.csv").open(newline="") as file:
        scopes = {line["rule"]: line["scope"] for line in csv.DictReader(file)}

    assert {rule for rule, scope in scopes.items() if scope in {"family", "record"}} == ALL
    assert {rule for rule, scope in scopes.items() if scope not in {"family", "record"}} <= NO_ORACLE


@pytest.mark.parametrize(("made", "worlds"), [(case, 150), (dense, 80), (reused, 80)])
def test_rules_raise_what_the_oracle_expects_and_nothing_else(
    engine: Engine, on_postgres: PostgresEngine, made: Callable[[int], Case], worlds: int
) -> None:
    """
    There are enough worlds to raise alerts of every rule and status several times. The oracle's own tests count this.

    On PostgreSQL, every row is the same in every column, although the events are inserted in another order. No result
    therefore depends on the order of rows.

    In the dense worlds, some results need three events of one family, such as a lead professional who is assigned
    before a case is closed and another is opened.

    In the last kind of world, several events share a source and id, on all topics and under all keys.
    """
    now = datetime.now(UTC)
    differences = {}
    for seed in range(worlds):
        world = made(seed)
        events, rejected = decoded(world.records)
        landed = events_table(events, now), quarantine_table(rejected, now)
        found = engine.evaluate(*landed, ALL, world.as_of)
        wanted = expected(events, rejected, world.as_of)
        shuffled = landed[0].take(random.Random(seed).sample(range(len(events)), len(events)))
        assert difference_of_engines(found, on_postgres.evaluate(shuffled, landed[1], ALL, world.as_of)) == []
        if lines := difference([row._asdict() for row in found.alerts], wanted):
            differences[seed] = lines

    assert not differences


@pytest.mark.parametrize("made", [case, dense, reused])
def test_other_queries_of_the_engine_give_the_same_on_postgres(
    engine: Engine, on_postgres: PostgresEngine, made: Callable[[int], Case]
) -> None:
    """The other results are who works with families, what was decided, and which actions people took on alerts."""
    now, seen = datetime.now(UTC), Counter()
    for seed in range(40):
        world = made(seed)
        kept = random.Random(seed).sample(world.records, len(world.records) * 2 // 3)
        events, rejected = decoded(kept)
        rows, unread = events_table(events, now), quarantine_table(rejected, now)
        with (
            engine.evaluating(rows, unread, ALL, world.as_of) as one,
            on_postgres.evaluating(rows, unread, ALL, world.as_of) as other,
        ):
            assert difference_of_engines(one, other) == []
            assert other.desks() == one.desks()
            seen.update(desks=len(one.desks()))
        decided = sorted(engine.decided_referrals(rows, world.as_of))
        assert sorted(on_postgres.decided_referrals(rows, world.as_of)) == decided
        assert on_postgres.desks(rows, world.as_of) == engine.desks(rows, world.as_of)
        seen.update(decided=len(decided), alerts=len(one.alerts), deadlines=len(one.deadlines))

    assert min(seen[what] for what in ("desks", "decided", "alerts", "deadlines")) >= 10
