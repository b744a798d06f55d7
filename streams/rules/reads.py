"""What a query reads: columns of landing tables, of seeds and of the run's tables."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["NOTHING", "Read", "ReadSet", "Reads"]


class Read(NamedTuple):
    """A column of a landing table, a seed or the run's tables."""

    relation: str
    column: str


ReadSet = frozenset[Read]
NOTHING: ReadSet = frozenset()


@dataclass(frozen=True)
class Reads:
    """What each column of a query depends on, by place, and what decides its rows."""

    names: tuple[str, ...]
    columns: tuple[ReadSet, ...]
    rows: ReadSet

    @property
    def all(self) -> ReadSet:
        """Everything together."""
        return self.rows.union(*self.columns)

    def column(self, name: str) -> ReadSet:
        """
        What the columns of a name depend on.

        Raises:
            KeyError: there is none.
        """
        if name not in self.names:
            raise KeyError(name)
        return NOTHING.union(*(reads for other, reads in zip(self.names, self.columns, strict=True) if other == name))
