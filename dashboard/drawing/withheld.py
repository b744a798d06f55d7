"""
The symbols that a reader sees in place of counts that are not shown.

On live pages, small counts are hidden here. In published figures, counts were withheld at the time of publication.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["HIDDEN", "LARGEST_HIDDEN", "WITHHELD", "Hidden", "hide", "hide_parts"]

LARGEST_HIDDEN: Final = 5
"""The largest count that is hidden. Counts from 1 to this number are not shown."""


@dataclass(frozen=True)
class Hidden:
    """A count that is not shown: the symbol in a table, and the explanation in a legend."""

    written: str
    means: str

    def __str__(self) -> str:
        return self.written


HIDDEN: Final = Hidden(f"1\N{EN DASH}{LARGEST_HIDDEN}", f"hidden: a count from 1 to {LARGEST_HIDDEN}")
"""
A count from 1 to 5, or a value that would reveal such a count.

Such values are hidden on live pages for accounts for figures.
"""
WITHHELD: Final = Hidden(
    "suppressed", f"suppressed: a count from 1 to {LARGEST_HIDDEN}, or a count that would reveal one"
)
"""A count that was withheld when the figures were published."""


def hide(
    rows: Iterable[dict[str, Any]], counts: Collection[str], derived: Collection[str] = ()
) -> list[dict[str, Any]]:
    """
    Replace small counts in the rows by `HIDDEN`. In a row with a hidden count, also replace all `derived` values.

    Args:
        counts: columns that count children, families, referrals or alerts.
        derived: columns from which a reader could calculate a hidden count: rates, shares, intervals.
    """
    return [_row(row, counts, derived) for row in rows]


def hide_parts(rows: Iterable[dict[str, Any]], count: str, derived: Collection[str] = ()) -> list[dict[str, Any]]:
    """
    Hide small counts in rows that add up to a total that is shown.

    If only one row is hidden, the row with the next smallest count is hidden as well. Otherwise a reader could subtract
    the other rows from the total.
    """
    found = hide(rows, [count], derived)
    shown = [row for row in found if isinstance(row[count], int | float)]
    # A missing value does not protect the hidden count, so only rows with a number are considered.
    if sum(row[count] is HIDDEN for row in found) == 1 and shown:
        least = min(shown, key=lambda row: (row[count] == 0, row[count]))
        found[found.index(least)] = least | {name: HIDDEN for name in (count, *derived) if name in least}
    return found


def _row(row: dict[str, Any], counts: Collection[str], derived: Collection[str]) -> dict[str, Any]:
    small = {name for name in counts if row.get(name) is not None and 0 < row[name] <= LARGEST_HIDDEN}
    if not small:
        return row
    return row | {name: HIDDEN for name in (*small, *derived) if name in row}
