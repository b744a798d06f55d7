"""
Published tables as they are downloaded, read into one value an authority and year.

Two layouts are known: one figure a line (`streams/reference/published_cin.csv`), and the DfE's own, one line an
authority and year with a column a measure (tables c1, c5, c6 of Characteristics of children in need, and the ONS
mid-year estimates that come with them). The release of 2025 names the columns of c1 anew, and leaves the rates out.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streams.errors import PublishedFileInvalid

__all__ = ["HEADLINE", "MONTHS", "SOURCES", "SYMBOLS", "TABLES", "Figures", "number", "read_figures"]

SYMBOLS = {
    "c": "suppressed",
    "u": "low reliability",
    "z": "not applicable",
    "x": "not available",
    ":": "not available",
    "": "not available",
}
"""What is published in place of a figure."""

HEADLINE = (
    "Referrals", "Referrals_rate", "Re_referrals", "Re_referrals_percent", "No_Further_Action",
    "No_Further_Action_percent", "Not_in_Need", "Not_in_Need_percent", "Referrals_child", "Referrals_child_rate",
    "Re_referrals_child", "Re_referrals_child_percent",
)  # fmt: skip
SOURCES = (
    "Individual", "Schools", "Education_Services", "Health_Services", "Housing", "LA_Services", "Police",
    "Other_legal_agency", "Other", "Anonymous", "Unknown",
)  # fmt: skip
MONTHS = (
    "April", "May", "June", "July", "August", "September", "October", "November", "December", "January", "February",
    "March",
)  # fmt: skip
"""Months of a collection year, in order."""

TABLES = {"referrals": HEADLINE, "referrals_by_source": SOURCES, "referrals_by_month": MONTHS}
"""The tables that are compared, with their measures."""

_NAMED_ANEW = {
    "referral_count": "Referrals",
    "rereferral_count": "Re_referrals",
    "rereferral_percent": "Re_referrals_percent",
    "no_further_action_count": "No_Further_Action",
    "no_further_action_percent": "No_Further_Action_percent",
    "not_in_need_count": "Not_in_Need",
    "not_in_need_percent": "Not_in_Need_percent",
    "referral_child_count": "Referrals_child",
    "rereferral_child_count": "Re_referrals_child",
    "rereferral_child_percent": "Re_referrals_child_percent",
}
"""Columns of c1 since the release of 2025, by what they were called before."""

_LONG = {"table", "year", "level", "area_code", "measure", "value"}
_WIDE = {"time_period", "geographic_level", "new_la_code"}
_POPULATION = "population_estimate"
_TOLD_WIDE = {**TABLES, _POPULATION: (_POPULATION,)}
"""What may stand in a file of the DfE's layout: a table is there if its first measure is."""


@dataclass(frozen=True)
class Figures:
    """
    What is published of one authority for the year to 31 March: text by table and measure, as it stands there.

    `children` is its population of 0 to 17 at the mid-year before, if any file gives it.
    """

    authority: str
    year: int
    published: dict[tuple[str, str], str] = field(default_factory=dict)
    children: int | None = None

    def count(self, table: str, measure: str) -> int | None:
        """A published count; None where a symbol stands for it, or nothing is published."""
        found = number(self.published.get((table, measure), ""))
        return None if found is None else int(found)


def number(text: str) -> float | None:
    """The number that is published; None for a symbol."""
    return None if text in SYMBOLS else float(text)


def read_figures(files: Iterable[Path]) -> list[Figures]:
    """
    The published figures of every authority and year, in order; national and regional rows are left out.

    Raises:
        PublishedFileInvalid: a file has neither layout, or something that is neither a number nor a symbol.
    """
    found: dict[tuple[str, int], dict[tuple[str, str], str]] = defaultdict(dict)
    children: dict[tuple[str, int], int] = {}
    for path in files:
        for authority, year, table, measure, text in _read(path):
            if table == _POPULATION:
                if (people := number(text)) is not None:
                    children[authority, year] = int(people)
            else:
                found[authority, year][table, measure] = text
    return [
        Figures(authority, year, published, children.get((authority, year - 1)))
        for (authority, year), published in sorted(found.items(), key=lambda one: (one[0][1], one[0][0]))
    ]


def _read(path: Path) -> Iterator[tuple[str, int, str, str, str]]:
    """Authority, year, table, measure and text of what is compared."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        columns = {_NAMED_ANEW.get(column, column) for column in rows.fieldnames or ()}
        told_of = [measures[0] for measures in _TOLD_WIDE.values()]
        if not (columns >= _LONG or (columns >= _WIDE and columns.intersection(told_of))):
            raise PublishedFileInvalid(
                f"{path.name} has neither layout; allowed: the columns {', '.join(sorted(_LONG))}, "
                f"or {', '.join(sorted(_WIDE))} with those of table c1, c5, c6 or {_POPULATION} "
                f"(at least one of {', '.join(told_of)})"
            )
        told = _long if columns >= _LONG else _wide
        for number_, row in enumerate(rows, 2):
            for authority, year, table, measure, text in told(row):
                _must_be_figure(path, number_, measure, text)
                yield authority, int(year), table, measure, text


def _long(row: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    if row["level"] != "Local authority":
        return
    if row["table"] == "population_0_17" and row["measure"] == _POPULATION:
        yield row["area_code"], row["year"], _POPULATION, _POPULATION, row["value"]
    elif row["measure"] in TABLES.get(row["table"], ()):
        yield row["area_code"], row["year"], row["table"], row["measure"], row["value"]


def _wide(row: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    if row["geographic_level"] != "Local authority":
        return
    found = {_NAMED_ANEW.get(column, column): text for column, text in row.items()}
    for table, measures in _TOLD_WIDE.items():
        if measures[0] in found:
            for measure in measures:
                if measure in found:
                    yield row["new_la_code"], row["time_period"], table, measure, found[measure]


def _must_be_figure(path: Path, line: int, measure: str, text: str) -> None:
    if text in SYMBOLS:
        return
    try:
        float(text)
    except ValueError:
        raise PublishedFileInvalid(
            f"{path.name} line {line}: {measure} is {text!r}; allowed: a number, {', '.join(filter(None, SYMBOLS))}"
        ) from None
