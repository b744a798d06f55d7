"""Front door: how its clocks are kept, who refers, for what, and what becomes of it."""

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
_UNIT = "% of referrals to children's social care; the thin line is the 95 % interval"


def _figures(asked: Asked, lake: Snapshot) -> list[Figure]:
    return [
        *clocks(asked, lake),
        _mixed("sources", "Who refers", _short(mix(asked, lake, _SOURCES), "Referred by ")),
        _mixed("needs", "Primary need", _short(mix(asked, lake, _NEEDS), "Primary need ")),
        _outcomes(months(asked, lake, _OUTCOMES)),
    ]


def _short(rows: list[Row], said: str) -> list[Row]:
    """Titles without what the figure's own title says."""
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
        title="Re-referrals, and referrals with no further action, month by month",
        unit="% of referrals to children's social care",
        source=SOURCE,
        columns=(Column("period_start", "Month", "month"), Column("title", "Measure"), *COLUMNS),
        rows=rows,
        chart=charts.lines(rows, x="period_start", y="value", y_title="% of referrals", series="title") if rows else "",
        note="Re-referral looks back twelve months: where these are not covered it has no figure.",
    )


view = figures_page(
    "How clocks are kept, who refers children, why, and how many referrals lead nowhere or come again.",
    _figures,
)
"""The page's content."""
