"""Rules: the register, with how each has done."""

from dataclasses import replace
from typing import Any

from dashboard.disclosure import hide
from dashboard.figures import Column, Figure
from dashboard.reader import NotBuilt
from dashboard.site import Asked
from streams.errors import LakeUnavailable
from streams.rules.register import newest

__all__ = ["one", "view"]

_PERFORMANCE = """
    SELECT rule, alerts, open, acknowledged, closed, acted_on, precision, median_minutes_to_acknowledge, alerts_per_day
    FROM marts.analytics.mart_rule_performance
    QUALIFY row_number() OVER (PARTITION BY rule ORDER BY rule_version DESC) = 1
"""
_COUNTS = ("alerts", "open", "acknowledged", "closed", "acted_on")
_DERIVED = ("precision", "median_minutes_to_acknowledge", "alerts_per_day", *_COUNTS)


def view(asked: Asked) -> dict[str, Any]:
    """The page's content."""
    figure = _performance(asked)
    return {"entries": list(newest().values()), "performance": figure, "figures": [figure]}


def one(asked: Asked, rule: str) -> dict[str, Any] | None:
    """The content of one rule's page; None for a name that no rule has."""
    found = next((entry for entry in asked.site.rules if entry.rule == rule), None)
    if found is None:
        return None
    figure = _performance(asked)
    own = replace(figure, rows=[row for row in figure.rows if row["rule"] == rule], chart="")
    return {"title": rule.replace("_", " "), "entry": found, "performance": own}


def _performance(asked: Asked) -> Figure:
    try:
        rows = asked.site.reader.of_build("performance", lambda snapshot: snapshot.rows(_PERFORMANCE))
    except (NotBuilt, LakeUnavailable):
        rows = []
    return Figure(
        key="performance",
        title="What people said of each rule's alerts",
        unit="alerts that people got, without those raised from history",
        source="marts.analytics.mart_rule_performance",
        columns=(
            Column("rule", "Rule"),
            Column("alerts", "Alerts", "count"),
            Column("open", "Open", "count"),
            Column("acknowledged", "Taken on", "count"),
            Column("closed", "Closed", "count"),
            Column("acted_on", "Acted on", "count"),
            Column("precision", "Worth raising", "share"),
            Column("median_minutes_to_acknowledge", "Median minutes until taken on", "minutes"),
            Column("alerts_per_day", "Alerts a day", "number"),
        ),
        rows=rows if asked.desk else hide(rows, _COUNTS, _DERIVED),
        note="Worth raising: acted on, of those acted on, not useful, or about the wrong family.",
        empty="No alert has been raised since the rules are in force.",
    )
