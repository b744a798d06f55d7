"""What a query reads: columns of landing tables, of seeds and of the run's tables."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["NOTHING", "Read", "ReadSet", "Reads"]


class Read(NamedTuple):
    """A column of a landing table, of a seed, or of the run's tables."""

    relation: str
    column: str


ReadSet = frozenset[Read]
NOTHING: ReadSet = frozenset()


@dataclass(frozen=True)
class Reads:
    """What each column of a query depends on, by position, and what decides its rows."""

    names: tuple[str, ...]
    columns: tuple[ReadSet, ...]
    rows: ReadSet

    @property
    def all(self) -> ReadSet:
        """Everything on which the query depends."""
        return self.rows.union(*self.columns)

    def column(self, name: str) -> ReadSet:
        """
        What the columns of one name depend on.

        Raises:
            KeyError: no column has that name.
        """
        if name not in self.names:
            raise KeyError(name)
        return NOTHING.union(*(reads for other, reads in zip(self.names, self.columns, strict=True) if other == name))
