"""
The page Now: new alerts, the next deadlines, and whether the system works.

The desk sees each alert, and the desk of some areas sees each alert of these areas. Accounts for figures see only how
many alerts there were for each rule and area, at one moment of the day. They see no single alert, not even that a count
is not 0, and no time that is more exact than a day.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.access.areas import all_areas, area_of
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.withheld import hide_few
from dashboard.site import Asked
from dashboard.views.health import arrivals, stages
from streams.contracts.codesets import Severity
from streams.contracts.outputs import Alert
from streams.rules.register import newest
from streams.tell.subscribers.alert_filter import is_open
from streams.tell.subscribers.times import due

__all__ = ["view"]

_SHOWN = 60
_SOON = timedelta(hours=24)


def view(asked: Asked) -> dict[str, Any]:
    """Return the content of the page Now."""
    with_history = asked.query.get("history") == "1"
    alerts = [alert for alert in _counted(asked) if with_history or not alert.backfill]
    severity = asked.choice("severity", [str(one) for one in Severity], "")
    areas = [one for one in all_areas(asked.authority) if not asked.who.areas or one in asked.who.areas]
    area = asked.choice("area", areas, "")
    chosen = [alert for alert in alerts if severity in {"", alert.severity} and area in {"", area_of(alert)}]
    shown, soon = (chosen[:_SHOWN], _soon(chosen)) if asked.sees_alerts else ([], [])
    asked.alerts.extend([*shown, *soon])
    tally, rate = _tally(asked, chosen, [area] if area else areas), arrivals(asked)
    return {
        "areas": areas,
        "area": area,
        "severity": severity,
        "severities": [str(one) for one in Severity],
        "with_history": with_history,
        "standing": _standing(asked, chosen),
        "sees_alerts": asked.sees_alerts,
        "alerts": shown,
        "more": max(0, len(chosen) - _SHOWN),
        "soon": soon,
        "due": due,
        "stages": stages(asked),
        "tally": tally,
        "rules": newest(),
        "figures": [tally, rate],
        "rate": rate,
    }


def _counted(asked: Asked) -> list[Alert]:
    """Return the alerts that the page is about. Accounts for figures see no single alert, but counts of all, daily."""
    board = asked.site.board
    if asked.sees_alerts:
        return [alert for alert in board.alerts() if asked.is_theirs(alert)]
    # Until the board follows the topic, it may lack alerts, and would lack them all day.
    return asked.site.daily.of_today("alerts", lambda: board.alerts() if board.follows else None) or []


def _standing(asked: Asked, alerts: list[Alert]) -> list[dict[str, Any]]:
    """Count open alerts by severity."""
    counts = Counter(str(alert.severity) for alert in alerts if is_open(alert))
    rows = [{"severity": str(one), "open": counts[str(one)]} for one in Severity]
    return rows if asked.sees_alerts else hide_few(rows, ["open"])


def _soon(alerts: list[Alert]) -> list[Alert]:
    """Return the open alerts with a deadline in the next 24 hours, earliest deadline first."""
    now = datetime.now(UTC)
    found = [one for one in alerts if is_open(one) and one.deadline and now < one.deadline <= now + _SOON]
    return sorted(found, key=lambda one: one.deadline or now)[:8]


def _tally(asked: Asked, alerts: list[Alert], areas: list[str]) -> Figure:
    # Figures have a row for every rule. A row that appears would say that there is an alert.
    severities = (
        {alert.rule: str(alert.severity) for alert in alerts}
        if asked.sees_alerts
        else {rule: line["severity"] for rule, line in newest().items()}
    )
    counts = Counter((alert.rule, area_of(alert)) for alert in alerts)
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
        rows=rows if asked.sees_alerts else hide_few(rows, areas),
        note=""
        if asked.sees_alerts
        else "Counted once a day. Counts from 0 to 5 are hidden. Only desks see each alert.",
        empty="No alert that matches your choice is open, and none was raised in the last seven days.",
    )
