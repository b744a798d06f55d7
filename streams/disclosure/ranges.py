"""Compute the smallest and the greatest possible value of each withheld figure, given everything that is published."""

from collections.abc import Collection, Mapping, Sequence
from typing import Generic

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from streams.disclosure.cells import AnyKey, System

__all__ = ["Ranges"]

_SMALLEST_HIDDEN = 1
"""The smallest possible value of a withheld figure. Readers know it, because zeros are never withheld."""
_UNBOUNDED = 1_000
"""
The upper limit of an atom is the greatest figure of the system plus this number.

This limit is so high that it does not affect the ranges.
"""


class Ranges(Generic[AnyKey]):
    """
    Computes the ranges of a system's withheld cells.

    Each solution that the solver finds gives a possible value to every cell. So one solution often shows for many cells
    at once that their ranges are wide enough.
    """

    def __init__(self, system: System[AnyKey]) -> None:
        self._system = system
        self._rows = {key: n for n, key in enumerate(system.cells)}
        self._matrix = _matrix([dict.fromkeys(cell.atoms, 1) for cell in system.cells.values()], system.atoms)
        self._balances = _matrix(system.balances, system.atoms)
        self._values = np.array([cell.value for cell in system.cells.values()])
        self._least, self._greatest = self._values.copy(), self._values.copy()
        self._limit = int(self._values.max(initial=0)) + _UNBOUNDED

    def widths(self, hidden: Collection[AnyKey], enough: int) -> dict[AnyKey, int]:
        """
        Return how wide the range of each withheld cell is.

        The solver stops extending a range that is at least `enough` wide. Between two calls, cells may be added to
        `hidden`, but must not be removed from it, because a range could then become narrower.
        """
        constraints = self._constraints(hidden)
        for key in sorted(hidden, key=str):
            row = self._rows[key]
            for sign in (1, -1):
                if self._greatest[row] - self._least[row] < enough:
                    self._solve(row, sign, constraints)
        return {key: int(self._greatest[self._rows[key]] - self._least[self._rows[key]]) for key in hidden}

    def _constraints(self, hidden: Collection[AnyKey]) -> list[LinearConstraint]:
        is_hidden = np.array([key in hidden for key in self._rows])
        lower = np.where(is_hidden, _SMALLEST_HIDDEN, self._values)
        upper = np.where(is_hidden, np.inf, self._values)
        found = [LinearConstraint(self._matrix, lower, upper)]
        return [*found, LinearConstraint(self._balances, 0, 0)] if self._system.balances else found

    def _solve(self, row: int, sign: int, constraints: list[LinearConstraint]) -> None:
        objective = sign * self._matrix[[row]].toarray()[0]
        solved = milp(objective, constraints=constraints, bounds=Bounds(0, self._limit), integrality=1)
        # There is always a solution, because the true values are a solution.
        values = np.rint(self._matrix @ np.rint(solved.x)).astype(int)
        self._least, self._greatest = np.minimum(self._least, values), np.maximum(self._greatest, values)


def _matrix(rows: Sequence[Mapping[int, int]], columns: int) -> csr_array:
    places = [(n, atom, sign) for n, row in enumerate(rows) for atom, sign in row.items()]
    if not places:
        return csr_array((len(rows), columns))
    lines, atoms, signs = zip(*places, strict=True)
    return csr_array((signs, (lines, atoms)), shape=(len(rows), columns))
