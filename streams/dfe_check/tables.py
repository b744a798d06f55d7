"""Read the published figures of each authority and year from downloaded files."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from streams.dfe_check.layouts import HEADLINE, MONTHS, POPULATION, SOURCES, SYMBOLS, TABLES, rows_of
from streams.errors import PublishedFileInvalid

__all__ = ["HEADLINE", "MONTHS", "SOURCES", "SYMBOLS", "TABLES", "Figures", "number", "read_figures"]

_PEOPLE = (POPULATION, POPULATION)


@dataclass(frozen=True)
class Figures:
    """
    The published figures of one authority for the year to 31 March, as texts by table and measure.

    `children` is the authority's number of children aged 0 to 17 in the middle of the previous year, if a file gives
    it.
    """

    authority: str
    year: int
    published: dict[tuple[str, str], str] = field(default_factory=dict)
    children: int | None = None

    def count(self, table: str, measure: str) -> int | None:
        """Return a published count. Return None if a symbol stands in its place, or if nothing is published."""
        return _whole(number(self.published.get((table, measure), "")))


def _refuse(sentence: str) -> None:
    raise PublishedFileInvalid(sentence)


def number(text: str) -> float | None:
    """Return the number in a published text, or None for a symbol."""
    return None if text in SYMBOLS else float(text)


def read_figures(files: Iterable[Path], problem: Callable[[str], None] = _refuse) -> list[Figures]:
    """
    Read the published figures of every authority and year, in order. National and regional rows are left out.

    `problem` is called with a sentence about each cell or row that cannot be read, and about each figure that is given
    twice with different values. Such an item is left out.

    Raises:
        PublishedFileInvalid: a file has neither layout. If no `problem` is given, the first unreadable item also raises
            this error.
    """
    found: dict[tuple[str, int], dict[tuple[str, str], str]] = defaultdict(dict)
    for path in files:
        for place, authority, year, table, measure, text in rows_of(path, problem):
            before = found[authority, year].setdefault((table, measure), text)
            if before != text:
                problem(f"{place}: {measure} of {authority}, {year} was given before as {before}; that value counts")
    people = {key: number(told.pop(_PEOPLE, "")) for key, told in found.items()}
    return [
        Figures(authority, year, published, _whole(people.get((authority, year - 1))))
        for (authority, year), published in sorted(found.items(), key=lambda one: (one[0][1], one[0][0]))
        if published
    ]


def _whole(figure: float | None) -> int | None:
    return None if figure is None else int(figure)
