"""The page Rules: the register of rules, and how people dealt with the alerts of each rule."""

from dataclasses import replace
from typing import Any

from dashboard.access.audience import Audience
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.withheld import hide
from dashboard.reading.reader import NotBuilt, Row
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
    """Return the content of the page Rules."""
    return {"entries": list(newest().values()), "figures": _performance(asked)}


def one(asked: Asked) -> dict[str, Any] | None:
    """Return the content of the page of one rule, or None if no rule has this name."""
    rule = asked.query["rule"]
    found = next((entry for entry in asked.site.rules if entry.rule == rule), None)
    if found is None:
        return None
    own = [
        replace(figure, rows=[row for row in figure.rows if row["rule"] == rule], chart="")
        for figure in _performance(asked)
    ]
    return {"title": rule.replace("_", " "), "entry": found, "figures": own}


def _latest(asked: Asked) -> list[Row]:
    return asked.site.reader.of_build("performance", lambda snapshot: snapshot.rows(_PERFORMANCE))


def _performance(asked: Asked) -> list[Figure]:
    """
    Show how many alerts each rule raised, and how people dealt with them.

    Readers who are not logged in do not see this, because it shows how many alerts there were. Readers other than the
    desk see it as it was at one moment of the day, because a count that grows would show when an alert was raised.
    """
    if asked.audience is Audience.EVERYBODY:
        return []
    try:
        if asked.is_desk:
            rows = _latest(asked)
        else:
            rows = asked.site.daily.of_today("performance", lambda: _latest(asked)) or []
    except (NotBuilt, LakeUnavailable):
        rows = []
    figure = Figure(
        key="performance",
        title="What people said about each rule's alerts",
        unit="alerts that people got, without alerts raised from history",
        source="marts.analytics.mart_rule_performance",
        columns=(
            Column("rule", "Rule"),
            Column("alerts", "Alerts", "count"),
            Column("open", "Open", "count"),
            Column("acknowledged", "Acknowledged", "count"),
            Column("closed", "Closed", "count"),
            Column("acted_on", "Acted on", "count"),
            Column("precision", "Worth raising", "share"),
            Column("median_minutes_to_acknowledge", "Median minutes until acknowledged", "minutes"),
            Column("alerts_per_day", "Alerts a day", "number"),
        ),
        rows=rows if asked.is_desk else hide(rows, _COUNTS, _DERIVED),
        note="Worth raising is a share. It divides the alerts that people acted on by all alerts that they acted on, "
        "found not useful, or found to be about the wrong family.",
        empty="No alert has been raised yet under the rules in force.",
    )
    return [figure]
