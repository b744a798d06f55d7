"""The figures of a page. Each figure has a title, a unit, a source, and a table of its values."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from dashboard.drawing.withheld import Hidden

__all__ = ["Column", "Figure", "as_csv", "said"]

Kind = Literal[
    "text", "count", "number", "share", "rate", "moment", "day", "month", "minutes", "hours", "ratio", "change"
]


@dataclass(frozen=True)
class Column:
    """A column of a figure's table: its key in a row, its heading, and the format of its values."""

    key: str
    heading: str
    kind: Kind = "text"

    @property
    def css(self) -> str:
        """The CSS class of the column's cells. Numbers are aligned to the right, and times stay on one line."""
        return "" if self.kind == "text" else "t" if self.kind in {"moment", "day", "month"} else "n"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """
    One figure of a page.

    `title` says what the figure shows, `unit` says what it counts, and `source` names the table of the lake that it
    comes from. `chart` is SVG. If there is no chart, the page shows the table instead.
    """

    key: str
    title: str
    unit: str
    source: str
    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    chart: str = ""
    note: str = ""
    empty: str = (
        "There is no figure. Either nothing has been counted yet, or the records are not complete for this time."
    )


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "text": lambda value: str(value).replace("_", " "),
    "count": lambda value: f"{value:,.0f}",
    "number": lambda value: f"{value:,.1f}",
    "rate": lambda value: f"{value:,.1f}",
    "hours": lambda value: f"{value:,.1f}",
    "share": lambda value: f"{100 * value:.1f} %",
    "ratio": lambda value: f"{value:.2f}",
    "change": lambda value: f"{value:+,.1f}".replace("-", "\N{MINUS SIGN}"),
    "minutes": lambda value: f"{value:,.0f}" if value >= 10 else f"{value:,.1f}",
    "moment": lambda value: f"{value:%-d %b %Y, %H:%M}",
    "day": lambda value: f"{value:%-d %b %Y}",
    "month": lambda value: f"{value:%b %Y}",
}


def said(value: object, kind: Kind = "text") -> str:
    """Format a value for the reader."""
    if value is None:
        return "\N{EN DASH}"
    return str(value) if isinstance(value, Hidden) else _WRITTEN[kind](value)


def as_csv(figure: Figure) -> str:
    """
    Write the table of a figure as CSV.

    Headings are the keys, values are not rounded, and hidden counts become `c`.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.key for column in figure.columns])
    writer.writerows(_cells(figure.columns, figure.rows))
    return file.getvalue()


def _cells(columns: tuple[Column, ...], rows: list[dict[str, Any]]) -> Iterable[list[object]]:
    for row in rows:
        yield [_cell(row[column.key]) for column in columns]


def _cell(value: object) -> object:
    if isinstance(value, Hidden):
        return "c"
    if isinstance(value, date | datetime):
        return value.isoformat()
    # A spreadsheet program would take this text for a formula. The apostrophe tells it that it is text.
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value
