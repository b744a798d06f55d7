"""The columns that a query reads: columns of landing tables, of seeds and of the run's tables."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["NOTHING", "Read", "ReadSet", "Reads"]


class Read(NamedTuple):
    """A column of a landing table, of a seed, or of one of the run's tables."""

    relation: str
    column: str


ReadSet = frozenset[Read]
NOTHING: ReadSet = frozenset()


@dataclass(frozen=True)
class Reads:
    """
    The columns that a query reads.

    `columns` contains, for each result column by position, the columns on which it depends. `rows` contains the columns
    that decide which rows the result has.
    """

    names: tuple[str, ...]
    columns: tuple[ReadSet, ...]
    rows: ReadSet

    @property
    def all(self) -> ReadSet:
        """All columns on which the query depends."""
        return self.rows.union(*self.columns)

    def column(self, name: str) -> ReadSet:
        """
        Return the columns on which the result column with this name depends.

        Raises:
            KeyError: no result column has that name.
        """
        if name not in self.names:
            raise KeyError(name)
        return NOTHING.union(*(reads for other, reads in zip(self.names, self.columns, strict=True) if other == name))
