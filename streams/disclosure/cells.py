"""
Published figures, written as sums of counts that are never published.

An atom is a count that is too detailed to be published. Every figure is a sum of atoms. So the solver sees by itself
which figures are sums of others. For example, an area is the sum of its wards, and a year is the sum of its quarters.
This also works for a ward that lies in two areas.
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
    """A figure that could be published. Its value is the sum of the atoms whose numbers are in `atoms`."""

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
        balances: sums of atoms that are always zero. Each sum gives the number and the sign (1 or -1) of its atoms.
        totals: the key of each total, with the keys of its parts. To protect a figure, `protect` prefers to withhold
            figures that belong to the same total.
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
