"""The expected number and kinds of alerts of each rule, from the seed `expected_alerts`."""

from dataclasses import dataclass
from pathlib import Path

from streams.rules.compiled import DBT_PROJECT
from streams.rules.seeds import seed_rows

__all__ = ["Expected", "expected_alerts"]


@dataclass(frozen=True)
class Expected:
    """
    The alerts that are expected of a rule each year for 10,000 children.

    The object contains their number, and the shares of four kinds of alerts among them. The four kinds are red
    alerts, alerts that are raised outside working hours, alerts about an open family, and alerts about a family with a
    lead professional. The shares help to estimate who receives the alerts.
    """

    a_year: int
    red: float
    out_of_hours: float
    open: float
    lead: float

    def a_day(self, children: float) -> float:
        """Return how many alerts a day are expected for this number of children."""
        return self.a_year * children / 10_000 / 365


def expected_alerts(project: Path = DBT_PROJECT) -> dict[str, Expected]:
    """Return the expected number and kinds of alerts of each rule, by the rule's name."""
    return {
        line["rule"]: Expected(
            int(line["alerts_per_10000_children_a_year"]),
            *(float(line[f"{name}_share"]) for name in ("red", "out_of_hours", "open", "lead")),
        )
        for line in seed_rows("expected_alerts", project)
    }
