"""
Only the facts that a rule declares in the rule register (`facts`) can change the rule's result.

The watcher evaluates only the rules that a new event can change. If a rule did not declare a fact, the rule's alert
would be late or never raised.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from streams.contracts import Accepted
from streams.contracts.columns import events_table
from streams.rules.answers import Evaluation
from streams.rules.facts import fact_of
from streams.rules.postgres.engine import PostgresEngine
from tests.oracle.records import decoded
from tests.oracle.strategies import Case, case, dense, reused

NOW = datetime.now(UTC)
WORLDS = 25
RARE = {"repeat_no_further_action"}
"""Rules that raise no alert in at least one kind of random world."""


def only_with(facts: frozenset[str], events: Sequence[Accepted]) -> list[Accepted]:
    """The events whose root event was one of the given facts in any version."""
    told = defaultdict(set)
    for event in events:
        told[event.topic, event.key, *event.root].add(fact_of(event))
    return [event for event in events if told[event.topic, event.key, *event.root] & facts]


def answer(found: Evaluation) -> set[tuple]:
    """The parts of a result that decide whether there is a new alert version, and when the rule is evaluated again."""
    alerts = {
        (
            *(row.alert_id, row.severity, row.status, row.anchored_at, row.deadline, row.cleared_at),
            tuple(sorted(str(sorted(one.items())) for one in row.evidence)),
        )
        for row in found.alerts
    }
    return alerts | {tuple(one) for one in found.deadlines}


@pytest.mark.parametrize("made", [case, dense, reused])
def test_facts_that_a_rule_does_not_declare_change_nothing(
    on_postgres: PostgresEngine, made: Callable[[int], Case]
) -> None:
    rules = on_postgres.compiled.rules
    differences, seen = {}, Counter()
    for seed in range(WORLDS):
        world = made(seed)
        events, _ = decoded(world.records)
        whole = events_table(events, NOW)
        for name, rule in rules.items():
            found = answer(on_postgres.evaluate(whole, None, [name], world.as_of))
            part = events_table(only_with(rule.facts, events), NOW)
            seen[name] += len(found)
            if other := found ^ answer(on_postgres.evaluate(part, None, [name], world.as_of)):
                differences[name, seed] = len(other)

    assert not differences
    assert {name for name, rule in rules.items() if rule.facts and not seen[name]} <= RARE
