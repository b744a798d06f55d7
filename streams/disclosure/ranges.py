"""The least and the greatest that a withheld figure can be, as far as all that is published tells."""

from collections.abc import Collection

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from streams.disclosure.cells import Key, System

__all__ = ["Ranges"]

_SMALLEST_HIDDEN = 1
"""Zeros are never withheld, so a figure that is withheld is known to be one or more."""
_UNBOUNDED = 1_000
"""So much more than an atom's own system holds stands for no limit."""


class Ranges:
    """
    Ranges of the withheld cells of a system, given which are withheld.

    Every solution shows a value for all cells, so one solution often tells of many that they are free enough.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._rows = {key: n for n, key in enumerate(system.cells)}
        self._matrix = _matrix([dict.fromkeys(cell.atoms, 1) for cell in system.cells.values()], system.atoms)
        self._balances = _matrix(system.balances, system.atoms)
        self._values = np.array([cell.value for cell in system.cells.values()])
        self._least, self._greatest = self._values.copy(), self._values.copy()
        self._limit = int(self._values.max(initial=0)) + _UNBOUNDED

    def widths(self, hidden: Collection[Key], enough: int) -> dict[Key, int]:
        """
        Of each withheld cell, how far apart the least and the greatest are that it can be; no more than need be solved.

        What is withheld must have grown since the last call: then no range has become narrower.
        """
        constraints = self._constraints(hidden)
        for key in sorted(hidden, key=str):
            row = self._rows[key]
            for sign in (1, -1):
                if self._greatest[row] - self._least[row] < enough:
                    self._solve(row, sign, constraints)
        return {key: int(self._greatest[self._rows[key]] - self._least[self._rows[key]]) for key in hidden}

    def _constraints(self, hidden: Collection[Key]) -> list[LinearConstraint]:
        is_hidden = np.array([key in hidden for key in self._rows])
        lower = np.where(is_hidden, _SMALLEST_HIDDEN, self._values)
        upper = np.where(is_hidden, np.inf, self._values)
        found = [LinearConstraint(self._matrix, lower, upper)]
        return [*found, LinearConstraint(self._balances, 0, 0)] if self._system.balances else found

    def _solve(self, row: int, sign: int, constraints: list[LinearConstraint]) -> None:
        objective = sign * self._matrix[[row]].toarray()[0]
        solved = milp(objective, constraints=constraints, bounds=Bounds(0, self._limit), integrality=1)
        # The truth itself is a solution: there always is one.
        values = np.rint(self._matrix @ np.rint(solved.x)).astype(int)
        self._least, self._greatest = np.minimum(self._least, values), np.maximum(self._greatest, values)


def _matrix(rows: list[dict[int, int]], columns: int) -> csr_array:
    places = [(n, atom, sign) for n, row in enumerate(rows) for atom, sign in row.items()]
    if not places:
        return csr_array((len(rows), columns))
    lines, atoms, signs = zip(*places, strict=True)
    return csr_array((signs, (lines, atoms)), shape=(len(rows), columns))
