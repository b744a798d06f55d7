"""
Published figures as sums of what nobody publishes.

An atom is a count that is too fine to be published; every figure is the sum of some atoms.
So whatever adds up, in any direction, is known to the solver without being declared: places in places, parts in totals,
quarters in a year, a ward that lies in two areas.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Cell", "Key", "System"]

Key = tuple[Hashable, ...]
"""What a cell is of: level and code of the place, kind and start of the period, measure."""


@dataclass(frozen=True)
class Cell:
    """A figure that could be published: its value, and the numbers of the atoms that it is the sum of."""

    key: Key
    value: int
    atoms: tuple[int, ...]


@dataclass
class System:
    """
    Cells over one set of atoms.

    `balances`: sums of atoms, with their signs, that are zero whatever happened.
    `totals`: the key of a total with those of its parts; where to look for what to withhold next.
    """

    atoms: int
    cells: dict[Key, Cell] = field(default_factory=dict)
    balances: list[Mapping[int, int]] = field(default_factory=list)
    totals: list[tuple[Key, Sequence[Key]]] = field(default_factory=list)

    def related(self) -> dict[Key, list[Sequence[Key]]]:
        """The relations of each cell: total and parts together."""
        found: dict[Key, list[Sequence[Key]]] = {key: [] for key in self.cells}
        for total, parts in self.totals:
            together = (*parts, total)
            for key in together:
                found[key].append(together)
        return found
