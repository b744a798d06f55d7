"""
Read downloaded files of published tables, one figure at a time.

A file can have one of two layouts. The first has a line for each figure (`streams/reference/published_cin.csv`). The
second is the DfE's own: it has a line for each authority and year, and a column for each measure. In this layout, the
DfE publishes tables c1, c5 and c6 of Characteristics of children in need, and also the ONS mid-year estimates. In the
release of 2025, table c1 has new column names, and there are no rates.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from streams.errors import PublishedFileInvalid
from streams.importers.encodings import archive_of, text_of

__all__ = ["HEADLINE", "MONTHS", "POPULATION", "SOURCES", "SYMBOLS", "TABLES", "Cell", "rows_of"]

SYMBOLS = {
    "c": "suppressed",
    "*": "suppressed",
    "low": "rounds to zero",
    "k": "rounds to zero",
    "~": "rounds to zero",
    "u": "low reliability",
    "z": "not applicable",
    ".": "not applicable",
    "x": "not available",
    ":": "not available",
    "..": "not available",
    "...": "not available",
    "": "not available",
}
"""
Symbols that are published in place of a figure, with or without square brackets. They are those of the DfE's open data,
of the Government Statistical Service, and of earlier releases.
"""

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
"""Months of a collection year, from April to March."""

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
"""New column names of c1 since the release of 2025, with the earlier name of each column."""

_LONG = {"table", "year", "level", "area_code", "measure", "value"}
_WIDE = {"time_period", "geographic_level", "new_la_code"}
POPULATION = "population_estimate"
"""The name of the table, and also of the measure, for the number of children aged 0 to 17."""
_TOLD_WIDE = {**TABLES, POPULATION: (POPULATION,)}
"""
The tables that a file in the DfE's layout may contain. A file contains a table if it has a column for the table's first
measure.
"""

_LEVEL = "local authority"
_AUTHORITY = re.compile(r"E\d{8}", re.ASCII)
_NUMBER = re.compile(r"(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)
_YEAR = re.compile(r"(20\d\d)(?:\.0)?(?:[/-]?(?:20)?(\d\d))?", re.ASCII)
"""A year, or the two years of a collection year: 2024, 202324, 2023/24, 2023-24, 2023-2024."""
_MOST_CHILDREN, _MOST = 1_000_000, 100_000
"""Upper limits of plausible numbers: for children in an authority, and for everything else."""


class Cell(NamedTuple):
    """One figure in a file, and its place in the file. `text` is a number without thousands separators, or a symbol."""

    place: str
    authority: str
    year: int
    table: str
    measure: str
    text: str


def rows_of(path: Path, problem: Callable[[str], None]) -> Iterator[Cell]:
    """
    Yield the figures of a file that the check uses. `problem` is called with a sentence about each unreadable item.

    Raises:
        PublishedFileInvalid: the file has neither layout.
    """
    with path.open("rb") as file:
        if archive := archive_of(file.read(8)):
            raise PublishedFileInvalid(f"{path.name} is {archive}; expected a CSV file")
    lines = csv.reader(io.StringIO(text_of(path), newline=""))
    try:
        header = [_NAMED_ANEW.get(name.strip(), name.strip()) for name in next(lines, [])]
        told = _layout(path, header)
        for values in lines:
            place = f"{path.name} line {lines.line_num}"
            if len(values) == len(header):
                yield from _cells(place, told(dict(zip(header, values, strict=True))), problem)
            elif any(values):
                problem(f"{place} has {len(values)} columns, its header {len(header)}; the line is left out")
    except csv.Error as error:
        raise PublishedFileInvalid(f"{path.name} line {lines.line_num} is not a line of a CSV file: {error}") from None


def _layout(path: Path, header: list[str]) -> Callable[[Mapping[str, str]], Iterator[tuple[str, str, str, str, str]]]:
    told_of = [measures[0] for measures in _TOLD_WIDE.values()]
    columns = set(header)
    if not (columns >= _LONG or (columns >= _WIDE and columns.intersection(told_of))):
        raise PublishedFileInvalid(
            f"{path.name} has neither layout; allowed: the columns {', '.join(sorted(_LONG))}, "
            f"or {', '.join(sorted(_WIDE))} with those of table c1, c5, c6 or {POPULATION} "
            f"(at least one of {', '.join(told_of)})"
        )
    known = _LONG if columns >= _LONG else _WIDE.union(*_TOLD_WIDE.values())
    if twice := sorted({name for name in header if name in known and header.count(name) > 1}):
        raise PublishedFileInvalid(f"{path.name} has more than one column {', '.join(twice)}")
    return _long if columns >= _LONG else _wide


def _long(row: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    if row["level"].strip().casefold() != _LEVEL:
        return
    if row["table"] == "population_0_17" and row["measure"] == POPULATION:
        yield row["area_code"], row["year"], POPULATION, POPULATION, row["value"]
    elif row["measure"] in TABLES.get(row["table"], ()):
        yield row["area_code"], row["year"], row["table"], row["measure"], row["value"]


def _wide(row: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    if row["geographic_level"].strip().casefold() != _LEVEL:
        return
    for table, measures in _TOLD_WIDE.items():
        if measures[0] in row:
            for measure in measures:
                if measure in row:
                    yield row["new_la_code"], row["time_period"], table, measure, row[measure]


def _cells(
    place: str, told: Iterator[tuple[str, str, str, str, str]], problem: Callable[[str], None]
) -> Iterator[Cell]:
    for authority, period, table, measure, given in told:
        year, text = _year(period.strip()), _figure(given, _MOST_CHILDREN if table == POPULATION else _MOST)
        if not _AUTHORITY.fullmatch(authority.strip()):
            problem(f"{place}: the authority is {_shown(authority)}; allowed: a GSS code such as E06000006")
            return
        if year is None:
            problem(f"{place}: the year is {_shown(period)}; allowed: a year such as 2024, 202324 or 2023/24")
            return
        if text is None:
            allowed = ", ".join(filter(None, SYMBOLS))
            problem(f"{place}: {measure} is {_shown(given)}; allowed: a number, {allowed}")
            continue
        yield Cell(place, authority.strip(), year, table, measure, text)


def _year(text: str) -> int | None:
    """Return the year in which a period ends."""
    found = _YEAR.fullmatch(text)
    if found is None:
        return None
    first, last = int(found[1]), found[2]
    if last is None:
        return first
    return first + 1 if (first + 1) % 100 == int(last) else None


def _figure(given: str, most: int) -> str | None:
    """
    Return a number without thousands separators if it is below `most`. Return a symbol as it is. Otherwise, return
    None.
    """
    text = given.strip()
    symbol = text.removeprefix("[").removesuffix("]").strip().lower()
    if symbol in SYMBOLS:
        return symbol
    if not _NUMBER.fullmatch(text):
        return None
    plain = text.replace(",", "")
    return plain if float(plain) < most else None


def _shown(text: str) -> str:
    """Shorten a text for a message."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
