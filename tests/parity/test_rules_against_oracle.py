"""The compiled rules and the brute-force oracle, over worlds that nobody wrote by hand."""

from datetime import UTC, datetime

from streams.contracts.columns import events_table, quarantine_table
from streams.rules.engine import Engine
from tests.oracle.compare import difference
from tests.oracle.oracle import ALL, expected
from tests.oracle.records import decoded
from tests.oracle.strategies import case

WORLDS = 150
"""Enough that every rule is raised, in each status, by several of them (the oracle's own tests count)."""


def test_rules_raise_what_the_oracle_expects_and_nothing_else(engine: Engine) -> None:
    """Of the rules that the register lists and the oracle knows."""
    now = datetime.now(UTC)
    rules = {name: rule for name, rule in engine.compiled.rules.items() if name in ALL}
    differences = {}
    for seed in range(WORLDS):
        world = case(seed)
        events, rejected = decoded(world.records)
        landed = events_table(events, now), quarantine_table(rejected, now)
        found = engine.evaluate(*landed, rules, world.as_of)
        wanted = expected(events, rejected, world.as_of, rules=rules)
        if lines := difference([row._asdict() for row in found.alerts], wanted):
            differences[seed] = lines

    assert not differences
