"""
The page about the health of the system: how fresh the data of each part is, and how many events arrive.

The page shows nothing about children or alerts.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.reading.reader import Snapshot
from dashboard.site import Asked
from streams.errors import LakeUnavailable
from streams.health.row import Row
from streams.times import LONDON, aware, naive

__all__ = ["Stage", "arrivals", "stages", "view"]

_SILENT_SECONDS = 10
_LATE_SECONDS = 120

_PARTS = {"The lake": "lake", "The watcher": "watch", "Landing": "land", "Figures": "build"}
"""For each stage, the part of caf that does its work."""
_OTHERS = {
    "share": "Notices to partners",
    "feedback": "Letters to referrers",
    "publish": "Publishing",
    "kafka": "Kafka",
}

_RATE = """
    SELECT date_trunc('minute', received_at) AS minute, count(*) AS events
    FROM landing.main.events
    WHERE received_at >= ?
    GROUP BY ALL
"""


@dataclass(frozen=True)
class Stage:
    """One stage of the system, and whether it works."""

    name: str
    is_well: bool
    says: str


def view(asked: Asked) -> dict[str, Any]:
    """Return the content of the page about health, which is the same for every audience."""
    return {"stages": stages(asked), "figures": [arrivals(asked)]}


def arrivals(asked: Asked) -> Figure:
    """Count the accepted records that arrived in each of the last sixty minutes."""
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [until - timedelta(minutes=back) for back in range(60, 0, -1)]

    def read(lake: Snapshot) -> dict[datetime, int]:
        rows = lake.rows(_RATE, [naive(minutes[0])])
        return {aware(row["minute"]): row["events"] for row in rows}

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
        empty="No events arrived in the last hour.",
    )


def stages(asked: Asked) -> list[Stage]:
    """
    List the stages of the system, from the lake to the figures. Other parts are added if they have a serious problem
    (red).
    """
    rows = {row.part: row for row in asked.site.watchdog.health.rows}
    shown = [_judged(asked, stage, rows.get(_PARTS.get(stage.name, ""))) for stage in _fresh(asked)]
    others = [row for row in rows.values() if row.level == "red" and row.part not in _PARTS.values()]
    return [*shown, *(_judged(asked, Stage(_OTHERS.get(row.part, row.part), True, ""), row) for row in others)]


def _judged(asked: Asked, stage: Stage, row: Row | None) -> Stage:
    """
    Add to a stage what the latest check found about its part. Only the desk sees details, which name processes and
    errors.
    """
    if row is None:
        return stage
    if row.level == "well":
        # The lake has only those heartbeats of the watcher that have landed. The check reads the heartbeats in Kafka.
        return replace(stage, is_well=True, says=stage.says if stage.is_well else row.state)
    says = row.says if asked.is_desk else ", ".join(filter(None, (stage.says, row.state)))
    return replace(stage, is_well=row.level != "red", says=says)


def _fresh(asked: Asked) -> list[Stage]:
    """Return how fresh each stage is. The head of every page uses the same data."""
    beat, follows = asked.site.pulse.beat, asked.site.board.follows
    silent, built = beat.age_seconds(beat.judged_at), beat.age_seconds(beat.built_at)
    waits = beat.landed_at and beat.built_at and (beat.landed_at - beat.built_at).total_seconds()
    return [
        Stage("The lake", beat.is_lake_there, "answers" if beat.is_lake_there else "does not answer"),
        Stage("The watcher", silent is not None and silent < _SILENT_SECONDS, _since("last sign of life", silent)),
        Stage(
            "Alerts", follows, "appear here as they are published" if follows else "do not arrive here; trying again"
        ),
        Stage("Landing", beat.landed_at is not None, _since("last record", beat.age_seconds(beat.landed_at))),
        Stage("Figures", bool(built) and not beat.failed and (waits or 0) < _LATE_SECONDS, _since("built", built)),
    ]


def _since(what: str, seconds: float | None) -> str:
    if seconds is None:
        return f"{what}: never"
    if seconds < 120:
        return f"{what} {seconds:.0f} s ago"
    return f"{what} {seconds / 60:.0f} min ago" if seconds < 7200 else f"{what} {seconds / 3600:.0f} h ago"
