"""The compiled rules and the brute-force oracle, over worlds that nobody wrote by hand."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from streams.contracts.columns import events_table, quarantine_table
from streams.rules.compiled import DBT_PROJECT
from streams.rules.engine import Engine
from tests.oracle.compare import difference
from tests.oracle.oracle import ALL, expected
from tests.oracle.records import decoded
from tests.oracle.strategies import Case, case, dense, reused

NO_ORACLE = frozenset({"alert_unacknowledged", "locality_surge", "shared_by_too_many"})
"""Rules about alerts, areas and ids: they are not judged over the events of families, and have tests of their own."""


def test_every_rule_has_an_oracle_and_every_oracle_its_rule() -> None:
    with (DBT_PROJECT / "seeds" / "rules.csv").open(newline="") as file:
        scopes = {line["rule"]: line["scope"] for line in csv.DictReader(file)}

    assert {rule for rule, scope in scopes.items() if scope in {"family", "record"}} == ALL
    assert {rule for rule, scope in scopes.items() if scope not in {"family", "record"}} <= NO_ORACLE


@pytest.mark.parametrize(("made", "worlds"), [(case, 150), (dense, 80), (reused, 80)])
def test_rules_raise_what_the_oracle_expects_and_nothing_else(
    engine: Engine, made: Callable[[int], Case], worlds: int
) -> None:
    """
    So many that every rule is raised, in each status, by several of them (the oracle's own tests count).

    The dense ones see what needs three events of one family to meet: a lead professional who outlasts the closing.
    In the last ones several events have one name, on all topics and under all keys.
    """
    now = datetime.now(UTC)
    differences = {}
    for seed in range(worlds):
        world = made(seed)
        events, rejected = decoded(world.records)
        landed = events_table(events, now), quarantine_table(rejected, now)
        found = engine.evaluate(*landed, ALL, world.as_of)
        wanted = expected(events, rejected, world.as_of)
        if lines := difference([row._asdict() for row in found.alerts], wanted):
            differences[seed] = lines

    assert not differences
