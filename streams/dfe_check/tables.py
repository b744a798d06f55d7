"""What is published of authorities and years, read from tables as they are downloaded."""

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
    What is published of one authority for the year to 31 March: text by table and measure.

    `children` is its population of 0 to 17 at the mid-year before, if any file gives it.
    """

    authority: str
    year: int
    published: dict[tuple[str, str], str] = field(default_factory=dict)
    children: int | None = None

    def count(self, table: str, measure: str) -> int | None:
        """A published count; None where a symbol stands for it, or nothing is published."""
        return _whole(number(self.published.get((table, measure), "")))


def _refuse(sentence: str) -> None:
    raise PublishedFileInvalid(sentence)


def number(text: str) -> float | None:
    """The number that is published; None for a symbol."""
    return None if text in SYMBOLS else float(text)


def read_figures(files: Iterable[Path], problem: Callable[[str], None] = _refuse) -> list[Figures]:
    """
    The published figures of every authority and year, in order; national and regional rows are left out.

    `problem` is told of each cell, row or repetition that cannot be read, in one sentence; it is then left out.

    Raises:
        PublishedFileInvalid: a file has neither layout; without another `problem`, also at the first one.
    """
    found: dict[tuple[str, int], dict[tuple[str, str], str]] = defaultdict(dict)
    for path in files:
        for place, authority, year, table, measure, text in rows_of(path, problem):
            before = found[authority, year].setdefault((table, measure), text)
            if before != text:
                problem(f"{place}: {measure} of {authority}, {year} was given before, as {before}, which counts")
    people = {key: number(told.pop(_PEOPLE, "")) for key, told in found.items()}
    return [
        Figures(authority, year, published, _whole(people.get((authority, year - 1))))
        for (authority, year), published in sorted(found.items(), key=lambda one: (one[0][1], one[0][0]))
        if published
    ]


def _whole(figure: float | None) -> int | None:
    return None if figure is None else int(figure)
