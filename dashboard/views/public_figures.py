"""The figures of the published map: a measure by ward, a measure over time, and who referred children."""

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.reading.public_measures import Measure
from dashboard.reading.reader import Row

__all__ = ["by_ward", "over_time", "sources"]

_NOTE = "Suppressed means a count from 1 to 5, or a count that would reveal one."


def by_ward(measure: Measure, when: str, rows: list[Row]) -> Figure:
    """Show the measure in each ward. High values come first, and withheld values come last."""
    ordered = sorted(rows, key=lambda row: (-_number(row[measure.column]), row["name"]))
    return Figure(
        key="places",
        title=f"{measure.title} by ward, {when}",
        unit=measure.unit,
        source=f"marts.public.{measure.table}",
        columns=(Column("name", "Ward"), *_columns(measure)),
        rows=ordered,
        chart=charts.bars(ordered, x=measure.column, y="name", x_title=measure.unit) if _any(ordered, measure) else "",
        note=_NOTE,
    )


def over_time(measure: Measure, period: str, name: str, rows: list[Row]) -> Figure:
    """
    Show the measure of one place in each published period. If a period in between was not published, there is
    a gap.
    """
    return Figure(
        key="trend",
        title=f"{measure.title} {period} by {period}, {name}",
        unit=measure.unit,
        source=f"marts.public.{measure.table}",
        columns=(Column("period_starts_on", f"{period.capitalize()} from", "month"), *_columns(measure)),
        rows=rows,
        chart=charts.lines(rows, x="period_starts_on", y=measure.column, y_title=measure.unit)
        if sum(_number(row[measure.column]) >= 0 for row in rows) > 1
        else "",
        note=_NOTE,
    )


def sources(when: str, name: str, rows: list[Row]) -> Figure:
    """Show who referred children in the authority or in an area. For wards, this is not published."""
    ordered = sorted(rows, key=lambda row: (-_number(row["count"]), row["title"]))
    return Figure(
        key="sources",
        title=f"Who referred children, {name}, {when}",
        unit="referrals of a child",
        source="marts.public.referrals",
        columns=(Column("title", "Referred by"), Column("count", "Referrals", "count")),
        rows=ordered,
        chart=charts.bars(ordered, x="count", y="title", x_title="referrals") if ordered else "",
        note=_NOTE,
        empty="Who referred children is published for the authority and its areas, but not for wards.",
    )


def _columns(measure: Measure) -> tuple[Column, ...]:
    count = Column("count", measure.counted.capitalize(), "count")
    if not measure.is_rate:
        return (count,)
    return (
        Column("rate_per_10000", "Per 10,000 children a year", "rate"),
        count,
        Column("children", "Children", "count"),
    )


def _any(rows: list[Row], measure: Measure) -> bool:
    return any(_number(row[measure.column]) >= 0 for row in rows)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else -1.0
