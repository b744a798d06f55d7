"""The page Front door: whether decisions are in time, who refers children and why, and what is decided."""

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.figures_page import figures_page
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked
from dashboard.views.clocks import clocks
from dashboard.views.shares import COLUMNS, SOURCE, mix, months, newest_period

__all__ = ["view"]

_SOURCES, _NEEDS = "source_.*_percent", "need_n._percent"
_OUTCOMES = "(nfa|re_referral)_percent"
_UNIT = (
    "% of referrals to children's social care. "
    "The thin line is the 95 % interval: the shorter it is, the more certain is the figure"
)


def _figures(asked: Asked, lake: Snapshot) -> list[Figure]:
    return [
        *clocks(asked, lake),
        _mixed("sources", "Who refers", _short(mix(asked, lake, _SOURCES), "Referred by ")),
        _mixed("needs", "Primary need", _short(mix(asked, lake, _NEEDS), "Primary need ")),
        _outcomes(months(asked, lake, _OUTCOMES)),
    ]


def _short(rows: list[Row], said: str) -> list[Row]:
    """Remove the beginning of the measures' titles, because the figure's own title already says it."""
    return [row | {"title": row["title"].removeprefix(said)} for row in rows]


def _mixed(key: str, title: str, rows: list[Row]) -> Figure:
    ordered = sorted(rows, key=lambda row: row["value"] if isinstance(row["value"], float) else -1.0, reverse=True)
    return Figure(
        key=key,
        title=f"{title}, {newest_period(rows)}",
        unit=_UNIT,
        source=SOURCE,
        columns=(Column("title", title), *COLUMNS),
        rows=ordered,
        chart=charts.bars(ordered, x="value", y="title", x_title="% of referrals", interval=("lower", "upper"))
        if ordered
        else "",
    )


def _outcomes(rows: list[Row]) -> Figure:
    return Figure(
        key="outcomes",
        title="Re-referrals, and referrals with no further action, by month",
        unit="% of referrals to children's social care",
        source=SOURCE,
        columns=(Column("period_start", "Month", "month"), Column("title", "Measure"), *COLUMNS),
        rows=rows,
        chart=charts.lines(rows, x="period_start", y="value", y_title="% of referrals", series="title") if rows else "",
        note="A re-referral is counted by looking back twelve months. If the records are not complete for those "
        "months, there is no figure.",
    )


view = figures_page(
    "Whether decisions are made in time, who refers children and why, how many referrals lead to no further action, "
    "and how many children are referred again.",
    _figures,
)
"""The content of the page Front door."""
