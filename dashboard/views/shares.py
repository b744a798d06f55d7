"""Measures of need of a whole authority, in one figure: shares at one time, or measures by month."""

from datetime import date

from dashboard.drawing.figures import Column
from dashboard.drawing.withheld import hide_parts
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked

__all__ = ["COLUMNS", "SOURCE", "mix", "months", "newest_period"]

SOURCE = "marts.analytics.mart_locality_need"

COLUMNS = (
    Column("value", "Value", "rate"),
    Column("lower", "Interval from", "rate"),
    Column("upper", "to", "rate"),
    Column("numerator", "Counted", "count"),
    Column("denominator", "Out of", "count"),
)
"""The columns with the interval of a value and with the counts behind it."""

_MIX = """
    SELECT need.measure, title, need.numerator, need.denominator, value, lower, upper, period_start, period_end
    FROM marts.analytics.mart_locality_need AS need
    JOIN marts.analytics.dim_measure ON dim_measure.model = 'mart_locality_need' AND dim_measure.measure = need.measure
    WHERE authority_code = $authority AND area_level = $level AND area_code = $place AND period_kind = $kind
      AND need.measure SIMILAR TO $measures
    QUALIFY period_start = max(period_start) OVER ()
    ORDER BY need.measure
"""
_MONTHS = """
    SELECT period_start, need.measure, title, need.numerator, need.denominator, value, lower, upper
    FROM marts.analytics.mart_locality_need AS need
    JOIN marts.analytics.dim_measure ON dim_measure.model = 'mart_locality_need' AND dim_measure.measure = need.measure
    WHERE authority_code = $authority AND area_level = 'authority' AND area_code = $authority AND period_kind = 'month'
      AND NOT is_partial AND need.measure SIMILAR TO $measures
    ORDER BY period_start, need.measure
"""
_DERIVED = ("denominator", "value", "lower", "upper")


def mix(asked: Asked, lake: Snapshot, measures: str, *, kind: str = "rolling_12_months") -> list[Row]:
    """Read the latest values of all measures whose key matches a pattern, for the whole authority."""
    wanted = {"authority": asked.authority, "level": "authority", "place": asked.authority}
    rows = lake.rows(_MIX, wanted | {"kind": kind, "measures": measures})
    return rows if asked.is_desk else hide_parts(rows, "numerator", _DERIVED)


def months(asked: Asked, lake: Snapshot, measures: str) -> list[Row]:
    """
    Read the values of all measures whose key matches a pattern, for the whole authority and each month that
    has ended.
    """
    rows = lake.rows(_MONTHS, {"authority": asked.authority, "measures": measures})
    if asked.is_desk:
        return rows
    by_month: dict[date, list[Row]] = {}
    for row in rows:
        by_month.setdefault(row["period_start"], []).append(row)
    # Families at all levels add up to all families, so these counts are hidden as parts of a total. For other measures,
    # hiding them as parts may hide more than is needed.
    return [row for parts in by_month.values() for row in hide_parts(parts, "numerator", _DERIVED)]


def newest_period(rows: list[Row]) -> str:
    """Return the period of the given rows in words."""
    return f"{rows[0]['period_start']:%B %Y} to {rows[0]['period_end']:%B %Y}" if rows else "the last twelve months"
