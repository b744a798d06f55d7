"""
Measure recall and precision of the rules against the oracle, on new random worlds.

The oracle is in `tests/`, so it is missing in an installation without tests.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from streams.contracts.columns import events_table, quarantine_table
from streams.errors import OracleMissing
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.settings import Settings

__all__ = ["Agreement", "against_oracle", "oracle_tools"]


@dataclass(frozen=True)
class Agreement:
    """
    The agreement of one rule with the oracle: how many alerts the oracle expects, how many the rule raised, and how
    many alerts are in both.
    """

    rule: str
    expected: int
    raised: int
    same: int

    @property
    def recall(self) -> float:
        """Share of the expected alerts that the rule raised; 1 if no alert was expected."""
        return self.same / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Share of the raised alerts that the oracle expected; 1 if no alert was raised."""
        return self.same / self.raised if self.raised else 1.0


def against_oracle(settings: Settings, first: int, seeds: int, tell: Callable[[str], None]) -> list[Agreement]:
    """
    Compare the rules with the oracle. For each seed, compare them on two random worlds: a wide one and a dense one.

    Two alerts agree if their id, severity, status, evidence and times are the same.

    Raises:
        OracleMissing: this installation has no tests.
    """
    compare, oracle, records, strategies = oracle_tools()
    expected, raised, same = Counter[str](), Counter[str](), Counter[str]()
    engine, now = Engine(compiled_rules(settings)), datetime.now(UTC)
    try:
        for seed in range(first, first + seeds):
            for world in (strategies.case(seed), strategies.dense(seed)):
                events, rejected = records.decoded(world.records)
                landed = events_table(events, now), quarantine_table(rejected, now)
                rows = [row._asdict() for row in engine.evaluate(*landed, oracle.ALL, world.as_of).alerts]
                wanted = oracle.expected(events, rejected, world.as_of)
                expected.update(alert.rule for alert in wanted)
                raised.update(row["rule"] for row in rows)
                same.update(_same(compare, rows, wanted))
            if (seed - first) % 20 == 19:
                tell(f"  {seed - first + 1} of {seeds} seeds, {expected.total():,} alerts expected …")
    finally:
        engine.close()
    return [Agreement(rule, expected[rule], raised[rule], same[rule]) for rule in sorted(oracle.ALL)]


def oracle_tools() -> tuple[ModuleType, ...]:
    """
    Import the oracle's modules `compare`, `oracle`, `records` and `strategies`.

    Raises:
        OracleMissing: this installation has no tests.
    """
    try:
        from tests.oracle import compare, oracle, records, strategies
    except ModuleNotFoundError as error:
        raise OracleMissing(
            f"raised alerts are compared with tests/oracle, and {error.name} is missing: run this in a clone in which "
            "'./caf check' has installed what tests need"
        ) from error
    return compare, oracle, records, strategies


def _same(compare: ModuleType, rows: list[dict[str, Any]], wanted: list[Any]) -> list[str]:
    """Return the rule's name for each expected alert that was raised without any difference."""
    found = {row["alert_id"]: row for row in rows}
    return [
        alert.rule
        for alert in wanted
        if alert.alert_id in found and not compare.difference([found[alert.alert_id]], [alert])
    ]
