"""
Published figures as sums of counts that are never published.

An atom is a count that is too fine to be published. Every figure is the sum of some atoms. So nobody has to declare to
the solver which figures add up. It knows this from the atoms: wards in areas, parts in totals, quarters in a year, a
ward that lies in two areas.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["AnyKey", "Cell", "Key", "System"]

Key = tuple[Hashable, ...]
"""What a cell is about: level and code of the place, kind and start of the period, measure."""

AnyKey = TypeVar("AnyKey", bound=Key)


@dataclass(frozen=True)
class Cell(Generic[AnyKey]):
    """A figure that could be published: its value, and the numbers of the atoms that add up to it."""

    key: AnyKey
    value: int
    atoms: tuple[int, ...]


@dataclass
class System(Generic[AnyKey]):
    """
    Cells that are sums of the same set of atoms.

    Attributes:
        atoms: the number of atoms.
        cells: the cells by key.
        balances: sums of atoms, with their signs, that are always zero.
        totals: the key of each total, with the keys of its parts. The next figure to withhold is looked for here.
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
