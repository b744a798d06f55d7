"""
The symbols that a reader sees instead of counts that are not shown.

This module hides small counts on live pages. In published figures, small counts were withheld before publication.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["FEW", "HIDDEN", "LARGEST_HIDDEN", "WITHHELD", "Hidden", "hide", "hide_few", "hide_parts"]

LARGEST_HIDDEN: Final = 5
"""Counts from 1 to this number are hidden."""


@dataclass(frozen=True)
class Hidden:
    """Stands for a count that is not shown: the symbol in a table, and what a legend says about it."""

    written: str
    means: str

    def __str__(self) -> str:
        return self.written


HIDDEN: Final = Hidden(f"1\N{EN DASH}{LARGEST_HIDDEN}", f"hidden: a count from 1 to {LARGEST_HIDDEN}")
"""
Stands for a count from 1 to 5, or for a value that would reveal such a count.

Readers with an account for figures see it on live pages.
"""
FEW: Final = Hidden(f"0\N{EN DASH}{LARGEST_HIDDEN}", f"hidden: a count from 0 to {LARGEST_HIDDEN}")
"""Stands for a count from 0 to 5, where even the step from 0 to 1 would tell a reader about somebody."""
WITHHELD: Final = Hidden(
    "suppressed", f"suppressed: a count from 1 to {LARGEST_HIDDEN}, or a count that would reveal one"
)
"""Stands for a count that is withheld in published figures."""


def hide(
    rows: Iterable[dict[str, Any]], counts: Collection[str], derived: Collection[str] = ()
) -> list[dict[str, Any]]:
    """
    Replace small counts in the rows by `HIDDEN`. If a row has a small count, also replace its `derived` values.

    Args:
        counts: columns that count children, families, referrals or alerts.
        derived: columns from which a reader could work out a hidden count, such as rates, shares and intervals.
    """
    return [_row(row, counts, derived) for row in rows]


def hide_few(rows: Iterable[dict[str, Any]], counts: Collection[str]) -> list[dict[str, Any]]:
    """Replace counts from 0 to 5 in the rows by `FEW`."""
    return [row | {name: FEW for name in counts if row[name] <= LARGEST_HIDDEN} for row in rows]


def hide_parts(rows: Iterable[dict[str, Any]], count: str, derived: Collection[str] = ()) -> list[dict[str, Any]]:
    """
    Hide small counts in rows that add up to a total, if the total is shown.

    If only one row is hidden, the row with the next smallest count is hidden as well. Otherwise a reader could subtract
    the other rows from the total.
    """
    found = hide(rows, [count], derived)
    shown = [row for row in found if isinstance(row[count], int | float)]
    # Hide a row that has a number. Hiding a row without a number would not protect the hidden count.
    if sum(row[count] is HIDDEN for row in found) == 1 and shown:
        least = min(shown, key=lambda row: (row[count] == 0, row[count]))
        found[found.index(least)] = least | {name: HIDDEN for name in (count, *derived) if name in least}
    return found


def _row(row: dict[str, Any], counts: Collection[str], derived: Collection[str]) -> dict[str, Any]:
    small = {name for name in counts if row.get(name) is not None and 0 < row[name] <= LARGEST_HIDDEN}
    if not small:
        return row
    return row | {name: HIDDEN for name in (*small, *derived) if name in row}
