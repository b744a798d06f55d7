"""
The page Now: new alerts, the next deadlines, and whether the system works.

The desk sees each alert. Accounts for figures see only how many alerts there are for each rule and area. They see no
single alert, no small count, and no time that is more exact than a week.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.drawing.boundaries import area_names
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.withheld import hide
from dashboard.site import Asked
from dashboard.views.health import arrivals, stages
from streams.contracts.codesets import Severity
from streams.contracts.outputs import Alert
from streams.rules.register import newest
from streams.tell.subscribers.alert_filter import UNKNOWN_AREA, is_open
from streams.tell.subscribers.times import due

__all__ = ["view"]

_SHOWN = 60
_SOON = timedelta(hours=24)


def view(asked: Asked) -> dict[str, Any]:
    """Return the content of the page Now."""
    with_history = asked.query.get("history") == "1"
    alerts = [alert for alert in asked.site.board.alerts() if with_history or not alert.backfill]
    severity = asked.choice("severity", [str(one) for one in Severity], "")
    areas = [*area_names(asked.authority), UNKNOWN_AREA]
    area = asked.choice("area", areas, "")
    chosen = [alert for alert in alerts if severity in {"", alert.severity} and area in {"", _area(alert)}]
    tally, rate = _tally(asked, chosen, [area] if area else areas), arrivals(asked)
    return {
        "areas": areas,
        "area": area,
        "severity": severity,
        "severities": [str(one) for one in Severity],
        "with_history": with_history,
        "standing": _standing(asked, chosen),
        "alerts": chosen[:_SHOWN] if asked.is_desk else [],
        "more": max(0, len(chosen) - _SHOWN),
        "soon": _soon(chosen) if asked.is_desk else [],
        "due": due,
        "stages": stages(asked),
        "tally": tally,
        "rules": newest(),
        "figures": [tally, rate],
        "rate": rate,
    }


def _area(alert: Alert) -> str:
    return alert.area or UNKNOWN_AREA


def _standing(asked: Asked, alerts: list[Alert]) -> list[dict[str, Any]]:
    """Count open alerts by severity."""
    counts = Counter(str(alert.severity) for alert in alerts if is_open(alert))
    rows = [{"severity": str(one), "open": counts[str(one)]} for one in Severity]
    return rows if asked.is_desk else hide(rows, ["open"])


def _soon(alerts: list[Alert]) -> list[Alert]:
    """Return the open alerts with a deadline in the next 24 hours, earliest deadline first."""
    now = datetime.now(UTC)
    found = [one for one in alerts if is_open(one) and one.deadline and now < one.deadline <= now + _SOON]
    return sorted(found, key=lambda one: one.deadline or now)[:8]


def _tally(asked: Asked, alerts: list[Alert], areas: list[str]) -> Figure:
    severities = {alert.rule: str(alert.severity) for alert in alerts}
    counts = Counter((alert.rule, _area(alert)) for alert in alerts)
    order = [str(one) for one in Severity]
    rows = [
        {"rule": rule, "severity": severity, **{area: counts[rule, area] for area in areas}}
        for rule, severity in sorted(severities.items(), key=lambda one: (order.index(one[1]), one[0]))
    ]
    return Figure(
        key="alerts",
        title="Alerts that are open or were raised in the last seven days, by rule and area",
        unit="number of alerts",
        source="topic caf.escalation.alerts.v1",
        columns=(
            Column("rule", "Rule"),
            Column("severity", "Severity"),
            *(Column(area, area.replace("_", " ").capitalize(), "count") for area in areas),
        ),
        rows=rows if asked.is_desk else hide(rows, areas),
        note="" if asked.is_desk else "Counts from 1 to 5 are hidden. Only the desk sees each alert.",
        empty="No alert that matches your choice is open, and none was raised in the last seven days.",
    )
