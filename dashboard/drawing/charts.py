"""
Charts as SVG, drawn by the server.

Colours are variables of the style sheet, so the same drawing works in light and dark mode. Screen readers read the
title and the table instead of the drawing.
"""

import json
import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import altair as alt
import vl_convert

from dashboard.drawing.withheld import Hidden

__all__ = ["bars", "lines", "warm"]

_WIDTH = 380
"""The width of a chart. A phone can show the whole chart at this width, with letters that are large enough to read."""
_SHORT = 16
"""Names that are longer than this are listed below each other in a legend."""
_TICKS = 8
"""The largest number of ticks on a time axis."""
_INKS = {
    # Vega accepts only real colours. So each variable of the style sheet has a placeholder colour here. In the finished
    # drawing, the variable replaces its placeholder.
    "#010101": "var(--ink)",
    "#020202": "var(--quiet)",
    "#030303": "var(--rule)",
    "#040401": "var(--c1)",
    "#040402": "var(--c2)",
    "#040403": "var(--c3)",
    "#040404": "var(--c4)",
    "#040405": "var(--c5)",
    "#040406": "var(--c6)",
}
_SERIES = [ink for ink in _INKS if ink.startswith("#0404")]
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]]

_CONFIG = {
    "background": "transparent",
    # Leave room, because the reader's font may be wider than the font used here.
    "padding": {"left": 36, "right": 12, "top": 6, "bottom": 6},
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "aria": False,
    "axis": {
        "labelColor": "#020202",
        "titleColor": "#020202",
        "domainColor": "#030303",
        "tickColor": "#030303",
        "gridColor": "#030303",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 280,
    },
    "axisX": {"grid": False, "labelOverlap": True, "labelSeparation": 28},
    "legend": {
        "labelColor": "#010101",
        "titleColor": "#020202",
        "labelFontSize": 12,
        "labelLimit": 320,
        "orient": "top",
        "title": None,
    },
    "text": {"color": "#010101", "fontSize": 12},
}

_lock = threading.Lock()


def lines(
    rows: Sequence[dict[str, Any]],
    *,
    x: str,
    y: str,
    y_title: str,
    series: str | None = None,
    band: tuple[str, str] | None = None,
    percent: bool = False,
    times: str = "%b %Y",
) -> str:
    """
    Draw one line over time for each series. The lines differ in colour and dashes. If no row has a value, return an
    empty text.

    A row without a value becomes a gap in its line.

    Args:
        band: two columns with the lower and upper ends of the interval around the line.
        times: the format of times, as for `strftime`.
    """
    if all(row[y] is None for row in rows):
        return ""
    base = alt.Chart(_values(rows, x, y, series, *(band or ())))
    when = alt.X(f"{x}:T", title=None, axis=_moments([row[x] for row in rows], times))
    what = alt.Y(f"{y}:Q", title=y_title, scale=alt.Scale(zero=True), axis=_axis(percent))
    mark: dict[str, Any] = {"strokeWidth": 2, "clip": True}
    if series is None:
        line = base.mark_line(color=_SERIES[0], **mark).encode(when, what)
    else:
        names = list(dict.fromkeys(_plain(row[series]) for row in rows))
        line = base.mark_line(**mark).encode(when, what, _colour(series, names), strokeDash=_dash(series, names))
    if band is None:
        return _draw(line.properties(width=_WIDTH, height=240))
    area = base.mark_area(color=_SERIES[0], opacity=0.2).encode(
        when, alt.Y(f"{band[0]}:Q", title=y_title, axis=_axis(percent)), alt.Y2(f"{band[1]}:Q")
    )
    return _draw((area + line).properties(width=_WIDTH, height=240))


def bars(
    rows: Sequence[dict[str, Any]],
    *,
    x: str,
    y: str,
    x_title: str,
    colour: str | None = None,
    percent: bool = False,
    upright: bool = False,
    interval: tuple[str, str] | None = None,
) -> str:
    """
    Draw bars in the order of the rows. If no row has a value, return an empty text.

    Bars are horizontal, so that names are easy to read. If `upright` is true, they are vertical, which suits hours and
    days.
    """
    if all(row[x] is None for row in rows):
        return ""
    rows = [row | {y: f"{row[y]}: {row[x]}"} if isinstance(row[x], Hidden) and colour is None else row for row in rows]
    base = alt.Chart(_values(rows, x, y, colour, *(interval or ())))
    name = alt.X if upright else alt.Y
    size = alt.Y if upright else alt.X
    # Show the names of all rows, including those without a value, which get no bar.
    all_names = alt.Scale(domain=list(dict.fromkeys(_plain(row[y]) for row in rows)))
    names = name(f"{y}:N", title=None, scale=all_names, axis=alt.Axis(labelAngle=0, ticks=False, domain=False))
    value = size(f"{x}:Q", title=x_title, axis=_axis(percent))
    if colour is None:
        drawn = base.mark_bar(color=_SERIES[0], opacity=1 if interval is None else 0.5).encode(names, value)
    else:
        drawn = base.mark_bar().encode(
            names, value, _colour(colour, list(dict.fromkeys(_plain(row[colour]) for row in rows)))
        )
    if interval is not None:
        ends = alt.X(f"{interval[0]}:Q", title=x_title), alt.X2(f"{interval[1]}:Q")
        drawn = drawn + base.mark_rule(color="#010101", strokeWidth=1.5).encode(names, *ends)
    height = 200 if upright else max(60, 24 * len({row[y] for row in rows}))
    return _draw(drawn.properties(width=_WIDTH, height=height))


def warm() -> None:
    """Draw a chart when the server starts, because the first chart takes longer than the others."""
    bars([{"what": "a", "n": 1}], x="n", y="what", x_title="n")


def _values(rows: Sequence[dict[str, Any]], *keys: str | None) -> Any:
    used = [key for key in keys if key]
    values = [{key: _plain(row[key]) for key in used} for row in rows]
    return alt.Data(values=values)  # type: ignore[no-untyped-call]  # altair declares no types for it


def _plain(value: Any) -> Any:
    """
    Convert a value so that JSON can contain it. Underscores in names become spaces.

    Hidden values become None, so that they are not drawn.
    """
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("_", " ")
    return value if isinstance(value, int | float) else None


def _moments(values: Sequence[Any], times: str) -> Any:
    """
    Return the time axis of a chart. If there are only a few days, each day has a tick, so that no tick falls between
    two days.
    """
    days = list(dict.fromkeys(values))
    if len(days) > _TICKS or any(isinstance(day, datetime) for day in days):
        return alt.Axis(labelOverlap=True, format=times, tickCount=_TICKS)
    # Vega reads a date as midnight UTC.
    starts = [1000 * datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() for day in days]
    return alt.Axis(labelOverlap=True, format=times, values=starts)


def _axis(percent: bool) -> Any:
    return alt.Axis(format=".0%", tickCount=5) if percent else alt.Axis(tickCount=5, format=",.2~f")


def _colour(column: str, names: list[str]) -> Any:
    return alt.Color(f"{column}:N", scale=alt.Scale(domain=names, range=_SERIES[: len(names)]), legend=_legend(names))


def _legend(names: list[str]) -> Any:
    """
    Return the legend of the given names. Long names are listed below each other, because the reader's font may be wider
    than the one used here.
    """
    return alt.Legend(columns=1 if max(map(len, names), default=0) > _SHORT else 4, columnPadding=24)


def _dash(column: str, names: list[str]) -> Any:
    return alt.StrokeDash(f"{column}:N", scale=alt.Scale(domain=names, range=_DASHES[: len(names)]))


def _draw(chart: Any) -> str:
    return _svg(json.dumps(chart.to_dict() | {"config": _CONFIG}, sort_keys=True))


@lru_cache(maxsize=256)
def _svg(spec: str) -> str:
    with _lock:
        svg = vl_convert.vegalite_to_svg(spec)
    for given, decided in _INKS.items():
        svg = svg.replace(given, decided)
    svg = re.sub(r' (?:role|aria-[a-z]+|class)="[^"]*"', "", svg)
    svg = re.sub(r' width="[\d.]+" height="[\d.]+"', ' class="chart"', svg, count=1)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
