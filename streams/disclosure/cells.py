"""
Published figures, written as sums of counts that are never published.

An atom is a count that is too detailed to be published. Every figure is a sum of atoms. So the solver can see by itself
which figures add up: wards in areas, parts in totals, quarters in a year, or a ward that lies in two areas.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["AnyKey", "Cell", "Key", "System"]

Key = tuple[Hashable, ...]
"""What a cell is about: the level and code of the place, the kind and start of the period, and the measure."""

AnyKey = TypeVar("AnyKey", bound=Key)


@dataclass(frozen=True)
class Cell(Generic[AnyKey]):
    """A figure that could be published. Its value is the sum of the atoms with the numbers in `atoms`."""

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
        totals: the key of each total, with the keys of its parts. If a further figure must be withheld, it is chosen
            from one of these totals and its parts, if possible.
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
