"""How many alerts a rule is expected to raise, and of which kind: the seed `expected_alerts`."""

from dataclasses import dataclass
from pathlib import Path

from streams.rules.compiled import DBT_PROJECT
from streams.rules.seeds import seed_rows

__all__ = ["Expected", "expected_alerts"]


@dataclass(frozen=True)
class Expected:
    """
    Alerts a year for 10,000 children, and the shares that decide who receives them.

    The shares are: red; raised outside working hours; about a family that is open; about one with a lead professional.
    """

    a_year: int
    red: float
    out_of_hours: float
    open: float
    lead: float

    def a_day(self, children: float) -> float:
        """Alerts a day among a number of children."""
        return self.a_year * children / 10_000 / 365


def expected_alerts(project: Path = DBT_PROJECT) -> dict[str, Expected]:
    """What is expected of each rule, by its name."""
    return {
        line["rule"]: Expected(
            int(line["alerts_per_10000_children_a_year"]),
            *(float(line[f"{name}_share"]) for name in ("red", "out_of_hours", "open", "lead")),
        )
        for line in seed_rows("expected_alerts", project)
    }
