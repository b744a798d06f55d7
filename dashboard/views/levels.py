"""The page Pyramid and flow: how many families are at each level of need, and how they move between levels."""

import re

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.figures_page import figures_page
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked
from dashboard.views.flow import flow
from dashboard.views.shares import COLUMNS, SOURCE, mix, months

__all__ = ["view"]

_NUMBER = re.compile(r"\d")
_FAMILIES, _SHARES = "families_at_level_.", "level_._percent"
_COUNTED = (Column("title", "Level"), Column("value", "Families", "count"))


def _figures(asked: Asked, lake: Snapshot) -> list[Figure]:
    pyramid, shares = mix(asked, lake, _FAMILIES, kind="month")[::-1], months(asked, lake, _SHARES)
    return [_pyramid(_named(pyramid)), _over_time(_named(shares)), *flow(asked, lake)]


def _named(rows: list[Row]) -> list[Row]:
    """Name each level by its number alone, because the title of the figure says what is counted."""
    return [row | {"title": f"Level {_NUMBER.findall(row['measure'])[0]}"} for row in rows]


def _pyramid(rows: list[Row]) -> Figure:
    return Figure(
        key="pyramid",
        title="Families at each level of need, now",
        unit="families whose level is known",
        source=SOURCE,
        columns=_COUNTED,
        rows=rows,
        chart=charts.bars(rows, x="value", y="title", x_title="families") if rows else "",
    )


def _over_time(rows: list[Row]) -> Figure:
    return Figure(
        key="months",
        title="Share of families at each level of need, at the end of each month",
        unit="% of families whose level is known",
        source=SOURCE,
        columns=(Column("period_start", "Month", "month"), Column("title", "Level"), *COLUMNS),
        rows=rows,
        chart=charts.lines(rows, x="period_start", y="value", y_title="% of families", series="title") if rows else "",
    )


view = figures_page(
    "How many families are at each level of need, and how they move between levels. Level 1 is universal, 2 is early "
    "help, 3 is targeted, 4 is specialist.",
    _figures,
)
"""The content of the page Pyramid and flow."""
