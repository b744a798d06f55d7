"""Clocks of the front door and the MASH: how many are running, how many stopped in time, at which hours they start."""

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.withheld import hide
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked

__all__ = ["clocks"]

_SOURCE = "marts.analytics.mart_front_door"
_RUNNING = """
    SELECT clock, sum(open)::BIGINT AS open, sum(due)::BIGINT AS due, sum(breached)::BIGINT AS breached,
           sum(breach_within_4_hours)::BIGINT AS breach_within_4_hours,
           sum(breach_within_24_hours)::BIGINT AS breach_within_24_hours
    FROM marts.analytics.mart_front_door
    WHERE authority_code = $authority AND breakdown = 'all'
    GROUP BY clock
    ORDER BY clock
"""
_KEPT = """
    SELECT month_starts_on, clock, started, met, missed, median_hours, p90_hours, met_percent, met_lower, met_upper,
           told, told_percent
    FROM marts.analytics.mart_front_door
    WHERE authority_code = $authority AND breakdown = 'all'
    ORDER BY month_starts_on, clock
"""
_HOURS = """
    SELECT group_name AS hour, sum(started)::BIGINT AS started
    FROM marts.analytics.mart_front_door
    WHERE authority_code = $authority AND breakdown = 'hour' AND clock = 'front_door'
    GROUP BY group_name
    ORDER BY lpad(group_name, 5, '0')
"""
_COUNTS = ("started", "met", "missed", "told")
_DERIVED = ("met_percent", "met_lower", "met_upper", "median_hours", "p90_hours", "told_percent", *_COUNTS)


def clocks(asked: Asked, lake: Snapshot) -> list[Figure]:
    """Make the figures about the clocks of the front door and the MASH."""
    given: dict[str, object] = {"authority": asked.authority}
    running, kept, hours = lake.rows(_RUNNING, given), lake.rows(_KEPT, given), lake.rows(_HOURS, given)
    if not asked.is_desk:
        states = ("open", "due", "breached", "breach_within_4_hours", "breach_within_24_hours")
        running, kept = hide(running, states), hide(kept, _COUNTS, _DERIVED)
        hours = hide(hours, ["started"])
    return [_running(running), _kept(kept), _hours(hours)]


def _running(rows: list[Row]) -> Figure:
    return Figure(
        key="running",
        title="Referrals that wait for a decision now, by time limit",
        unit="referrals",
        source=_SOURCE,
        columns=(
            Column("clock", "Time limit for"),
            Column("open", "In time", "count"),
            Column("due", "Due soon", "count"),
            Column("breached", "Too late", "count"),
            Column("breach_within_4_hours", "Too late in the next 4 hours", "count"),
            Column("breach_within_24_hours", "Too late in the next 24 hours", "count"),
        ),
        rows=rows,
    )


def _kept(rows: list[Row]) -> Figure:
    return Figure(
        key="kept",
        title="Decisions made in time, by the month in which the time limit began",
        unit="% of time limits that were met or have passed",
        source=_SOURCE,
        columns=(
            Column("month_starts_on", "Month", "month"),
            Column("clock", "Time limit for"),
            Column("met_percent", "In time, %", "rate"),
            Column("met_lower", "Interval from", "rate"),
            Column("met_upper", "to", "rate"),
            Column("started", "Began", "count"),
            Column("median_hours", "Median hours", "hours"),
            Column("p90_hours", "Nine in ten within (hours)", "hours"),
            Column("told_percent", "Referrer told, %", "rate"),
        ),
        rows=rows,
        chart=charts.lines(rows, x="month_starts_on", y="met_percent", y_title="% in time", series="clock")
        if rows
        else "",
    )


def _hours(rows: list[Row]) -> Figure:
    return Figure(
        key="hours",
        title="Referrals by hour of the day, since records began",
        unit="referrals",
        source=_SOURCE,
        columns=(Column("hour", "Hour"), Column("started", "Referrals", "count")),
        rows=rows,
        chart=charts.bars(rows, x="started", y="hour", x_title="referrals", upright=True) if rows else "",
    )
