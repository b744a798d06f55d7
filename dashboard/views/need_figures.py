"""The figures on the page Map of need: a measure by place, and a measure over time."""

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.reading.measures import Measure
from dashboard.reading.reader import Row

__all__ = ["by_place", "over_time"]

_SOURCE = "marts.analytics.mart_locality_need"
_LEVELS = {"ward": "Ward", "lsoa": "LSOA"}
_CLOSED = "Figures for places smaller than wards are too small to show here. Only the desk sees them."


def by_place(measure: Measure, when: str, level: str, rows: list[Row]) -> Figure:
    """
    Show the measure in each place, highest value first.

    Each place also has its interval, and the number that is expected for a place with the same deprivation.
    """
    ordered = sorted(rows, key=lambda row: _number(row["value"]), reverse=True)
    return Figure(
        key="places",
        title=f"{measure.title} by {level.replace('lsoa', 'LSOA')}, {when}",
        unit=f"{measure.unit}. The thin line is the 95 % interval: the shorter it is, the more certain is the figure",
        source=_SOURCE,
        columns=(
            Column("area_name", _LEVELS[level]),
            Column("value", measure.unit.capitalize(), measure.kind),
            Column("lower", "Interval from", measure.kind),
            Column("upper", "to", measure.kind),
            Column("numerator", "Counted", "count"),
            Column("denominator", "Out of", "count"),
            Column("expected", "Expected", "number"),
        ),
        rows=ordered,
        chart=charts.bars(ordered, x="value", y="area_name", x_title=measure.unit, interval=("lower", "upper"))
        if ordered
        else "",
        empty=_CLOSED if level == "lsoa" else "There is no figure for these places.",
    )


def over_time(measure: Measure, kind: str, name: str, rows: list[Row]) -> Figure:
    """
    Show the measure of one place over time.

    The chart leaves out a period that has not ended, because it would look like a decrease.
    """
    whole = [row for row in rows if not row["is_partial"]]
    return Figure(
        key="trend",
        title=f"{measure.title} {kind} by {kind}, {name}",
        unit=f"{measure.unit}. The band is the 95 % interval: the narrower it is, the more certain is the figure",
        source=_SOURCE,
        columns=(
            Column("period_start", "From", "day" if kind == "week" else "month"),
            Column("value", measure.unit.capitalize(), measure.kind),
            Column("lower", "Interval from", measure.kind),
            Column("upper", "to", measure.kind),
            Column("numerator", "Counted", "count"),
            Column("denominator", "Out of", "count"),
            Column("expected", "Expected", "number"),
        ),
        rows=rows,
        chart=charts.lines(
            whole,
            x="period_start",
            y="value",
            y_title=measure.unit,
            band=("lower", "upper"),
        )
        if len(whole) > 1
        else "",
        empty=_CLOSED,
    )


def _number(value: object) -> float:
    return value if isinstance(value, float) else -1.0
