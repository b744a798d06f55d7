"""
Now: alerts as they come, whose time runs out next, and whether everything works.

The desk sees alerts one by one. Everybody else sees how many there are, by rule and area: no single alert, no moment
more exact than a week, and no count that is small.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard import charts
from dashboard.disclosure import hide
from dashboard.figures import LONDON, Column, Figure
from dashboard.places import area_names
from dashboard.reader import Snapshot
from dashboard.site import Asked
from streams.contracts.codesets import Severity
from streams.contracts.outputs import Alert
from streams.errors import LakeUnavailable
from streams.rules.register import newest
from streams.subscribers.times import due
from streams.subscribers.wanted import UNKNOWN_AREA, is_open

__all__ = ["view"]

_SHOWN = 60
_SOON = timedelta(hours=24)
_SILENT_SECONDS = 10
_LATE_SECONDS = 120

_RATE = """
    SELECT date_trunc('minute', received_at) AS minute, count(*) AS events
    FROM landing.main.events
    WHERE received_at >= ?
    GROUP BY ALL
"""


@dataclass(frozen=True)
class Stage:
    """One part of the system, and whether it does what it should."""

    name: str
    is_well: bool
    says: str


def view(asked: Asked) -> dict[str, Any]:
    """The page's content."""
    with_history = asked.query.get("history") == "1"
    alerts = [alert for alert in asked.site.board.alerts() if with_history or not alert.backfill]
    severity = asked.choice("severity", [str(one) for one in Severity], "")
    areas = [*area_names(asked.authority), UNKNOWN_AREA]
    area = asked.choice("area", areas, "")
    chosen = [alert for alert in alerts if severity in {"", alert.severity} and area in {"", _area(alert)}]
    tally, rate = _tally(asked, chosen, [area] if area else areas), _rate(asked)
    return {
        "areas": areas,
        "area": area,
        "severity": severity,
        "severities": [str(one) for one in Severity],
        "with_history": with_history,
        "standing": _standing(asked, chosen),
        "alerts": chosen[:_SHOWN] if asked.desk else [],
        "more": max(0, len(chosen) - _SHOWN),
        "soon": _soon(chosen) if asked.desk else [],
        "due": due,
        "stages": _stages(asked),
        "tally": tally,
        "rules": newest(),
        "figures": [tally, rate],
        "rate": rate,
    }


def _area(alert: Alert) -> str:
    return alert.area or UNKNOWN_AREA


def _standing(asked: Asked, alerts: list[Alert]) -> list[dict[str, Any]]:
    """How many wait for somebody, by severity."""
    counts = Counter(str(alert.severity) for alert in alerts if is_open(alert))
    rows = [{"severity": str(one), "open": counts[str(one)]} for one in Severity]
    return rows if asked.desk else hide(rows, ["open"])


def _soon(alerts: list[Alert]) -> list[Alert]:
    """Open alerts whose deadline has not passed, and passes next."""
    now = datetime.now(UTC)
    found = [one for one in alerts if is_open(one) and one.deadline and now < one.deadline <= now + _SOON]
    return sorted(found, key=lambda one: one.deadline)[:8]


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
        title="Alerts by rule and area: open, or raised in the last seven days",
        unit="number of alerts",
        source="topic caf.escalation.alerts.v1",
        columns=(
            Column("rule", "Rule"),
            Column("severity", "Severity"),
            *(Column(area, area.replace("_", " ").capitalize(), "count") for area in areas),
        ),
        rows=rows if asked.desk else hide(rows, areas),
        note="" if asked.desk else "Counts from 1 to 5 are not shown. The desk sees each alert as it comes.",
        empty="No alert of this choice is open, and none was raised in the last seven days.",
    )


def _rate(asked: Asked) -> Figure:
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [until - timedelta(minutes=back) for back in range(60, 0, -1)]

    def read(lake: Snapshot) -> dict[datetime, int]:
        rows = lake.rows(_RATE, [minutes[0].replace(tzinfo=None)])
        return {row["minute"].replace(tzinfo=UTC): row["events"] for row in rows}

    try:
        counts = asked.site.reader.of_build(("rate", until), read)
    except LakeUnavailable:
        counts = {}
    rows = [
        {"minute": minute.astimezone(LONDON).replace(tzinfo=None), "events": counts.get(minute, 0)}
        for minute in minutes
    ]
    arrived = any(counts.get(minute) for minute in minutes)
    return Figure(
        key="rate",
        title="Events that arrived in each of the last sixty minutes",
        unit="accepted records a minute",
        source="landing.events",
        columns=(Column("minute", "Minute", "moment"), Column("events", "Events", "count")),
        rows=rows if arrived else [],
        chart=charts.lines(rows, x="minute", y="events", y_title="events a minute", times="%H:%M") if arrived else "",
        empty="No event arrived in the last hour.",
    )


def _stages(asked: Asked) -> list[Stage]:
    beat, follows = asked.site.pulse.beat, asked.site.board.follows
    silent, built = beat.age_seconds(beat.judged_at), beat.age_seconds(beat.built_at)
    waits = beat.landed_at and beat.built_at and (beat.landed_at - beat.built_at).total_seconds()
    return [
        Stage("The lake", beat.is_lake_there, "answers" if beat.is_lake_there else "does not answer"),
        Stage("The watcher", silent is not None and silent < _SILENT_SECONDS, _since("last sign of life", silent)),
        Stage("Alerts", follows, "arrive here as they are written" if follows else "do not arrive; trying again"),
        Stage("Landing", beat.landed_at is not None, _since("last record", beat.age_seconds(beat.landed_at))),
        Stage("Figures", bool(built) and not beat.failed and (waits or 0) < _LATE_SECONDS, _since("built", built)),
    ]


def _since(what: str, seconds: float | None) -> str:
    if seconds is None:
        return f"{what}: never"
    if seconds < 120:
        return f"{what} {seconds:.0f} s ago"
    return f"{what} {seconds / 60:.0f} min ago" if seconds < 7200 else f"{what} {seconds / 3600:.0f} h ago"
