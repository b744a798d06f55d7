"""
Published figures as sums of counts that are never published.

An atom is a count that is too detailed to be published. Every figure is a sum of atoms. So nobody has to tell the
solver which figures add up, because the solver sees this in the atoms. Examples are wards in areas, parts in totals,
quarters in a year, and a ward that lies in two areas.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["AnyKey", "Cell", "Key", "System"]

Key = tuple[Hashable, ...]
"""The subject of a cell: level and code of the place, kind and start of the period, measure."""

AnyKey = TypeVar("AnyKey", bound=Key)


@dataclass(frozen=True)
class Cell(Generic[AnyKey]):
    """A figure that could be published: its value, and the numbers of the atoms that it is the sum of."""

    key: AnyKey
    value: int
    atoms: tuple[int, ...]


@dataclass
class System(Generic[AnyKey]):
    """
    Cells that are sums of atoms from the same set.

    Attributes:
        atoms: the number of atoms.
        cells: the cells by key.
        balances: sums of atoms, with their signs, that are always zero.
        totals: the key of each total, with the keys of its parts. If another figure must be withheld, it is chosen from
            these relations first.
    """

    atoms: int
    cells: dict[AnyKey, Cell[AnyKey]] = field(default_factory=dict)
    balances: list[Mapping[int, int]] = field(default_factory=list)
    totals: list[tuple[AnyKey, Sequence[AnyKey]]] = field(default_factory=list)

    def related(self) -> dict[AnyKey, list[Sequence[AnyKey]]]:
        """Return the relations of each cell. A relation is a total together with its parts."""
        found: dict[AnyKey, list[Sequence[AnyKey]]] = {key: [] for key in self.cells}
        for total, parts in self.totals:
            together = (*parts, total)
            for key in together:
                found[key].append(together)
        return found
