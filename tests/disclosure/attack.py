"""
Attack published tables, to find withheld figures. The attack shares no code with the protection of the tables.

The attack knows the tables, the map and the rules of publication. The attack asks a solver for the possible values of
each withheld figure. Every count is a whole number of zero or more. Places, sources and quarters add up to totals. A
withheld figure is not zero.
"""

from collections import defaultdict
from dataclasses import dataclass

import duckdb
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

__all__ = ["Range", "attack", "unsafe"]

TABLES = ("referrals", "cafs")
"""
The attacked tables. The tables count different things, so figures of one table never add up with figures of the
other.
"""
NO_LIMIT = 100_000
TOLD_APART = 5
"""
If the greatest and the least possible value differ by less than this number, the two values reveal a small count too
closely.
"""


@dataclass(frozen=True)
class Range:
    """A withheld figure, with the least and the greatest value that it can have."""

    row: tuple
    least: int
    greatest: int


class Unknowns:
    """Numbers the unpublished counts for the solver: counts by ward, area, quarter and source, and parts of them."""

    def __init__(self) -> None:
        self.numbers: dict[tuple, int] = {}

    def __getitem__(self, name: tuple) -> int:
        return self.numbers.setdefault(name, len(self.numbers))


def attack(public: duckdb.DuckDBPyConnection, only: int | None = None) -> list[Range]:
    """
    Return the range of every withheld figure, using all releases together.

    With `only`, about so many withheld figures of each collection year are attacked.
    """
    found = []
    blocks = defaultdict(list)
    for table in TABLES:
        for row in public.execute(f"FROM {table} ORDER BY ALL").fetchall():
            starts_on = row[4]
            blocks[table, row[0], starts_on.year - (starts_on.month < 4)].append(row)
    for (_, authority, _), rows in blocks.items():
        places = public.execute(
            "SELECT DISTINCT ward_code, area_code FROM places WHERE authority_code = ?", [authority]
        ).fetchall()
        found += _ranges(rows, places, only)
    return found


def unsafe(ranges: list[Range]) -> list[Range]:
    """Return the figures that can be worked out exactly or almost exactly."""
    return [one for one in ranges if one.greatest - one.least < TOLD_APART]


def _ranges(rows: list[tuple], places: list[tuple], only: int | None) -> list[Range]:
    sources = sorted({row[5] for row in rows if row[5].startswith("source_")})
    quarters = sorted({row[4] for row in rows if row[3] == "quarter"})
    unknowns, sums, equal = Unknowns(), [], []
    for ward, area in places:
        for quarter in quarters:
            referrals = [(unknowns[ward, area, quarter, source], 1) for source in sources]
            equal += [
                [
                    *referrals,
                    (unknowns[ward, area, quarter, part], -1),
                    (unknowns[ward, area, quarter, "not", part], -1),
                ]
                for part in ("re_referrals", "nfa")
                if referrals
            ]
    for _, level, code, period, starts_on, measure, *_ in rows:
        within = [place for place in places if level == "authority" or code == place[level == "area"]]
        when = quarters if period == "year" else [starts_on]
        parts = sources if measure == "referrals" else [measure]
        sums.append([(unknowns[(*place, quarter, part)], 1) for place in within for quarter in when for part in parts])
    width = len(unknowns.numbers)
    published, balances = _matrix(sums, width), _matrix(equal, width)
    counts = np.array([np.nan if row[6] is None else row[6] for row in rows])
    hidden = np.isnan(counts)
    constraints = [
        LinearConstraint(published, np.where(hidden, 1, counts), np.where(hidden, NO_LIMIT, counts)),
        LinearConstraint(balances, 0, 0),
    ]
    chosen = np.flatnonzero(hidden)[:: max(1, hidden.sum() // only) if only else 1]
    return [_range(rows[n], published[[n]].toarray()[0], constraints) for n in chosen]


def _range(row: tuple, objective: np.ndarray, constraints: list[LinearConstraint]) -> Range:
    ends = []
    for sign in (1, -1):
        solved = milp(sign * objective, constraints=constraints, bounds=Bounds(0, NO_LIMIT), integrality=1)
        ends.append(round(sign * solved.fun))
    return Range(row[1:6], *ends)


def _matrix(rows: list[list[tuple[int, int]]], width: int) -> lil_array:
    made = lil_array((len(rows), width))
    for number, row in enumerate(rows):
        for column, sign in row:
            made[number, column] = sign
    return made.tocsr()
