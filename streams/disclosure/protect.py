"""
Choose the figures to withhold: the small ones, and enough others that nobody can calculate the small ones.

The same input always leads to the same choice. A figure that has been published is never withheld later.
"""

from collections.abc import Collection, Iterable, Sequence

from streams.disclosure.cells import AnyKey, System
from streams.disclosure.ranges import Ranges
from streams.errors import DisclosureUnsafe

__all__ = ["SMALL", "WIDTH", "primary", "protect"]

SMALL = range(1, 6)
"""The counts that are withheld, following the DfE's practice. Zeros are shown."""

WIDTH = 5
"""
The range of every withheld figure must be at least this wide. The range contains every value that is possible according
to the published figures. Its width is the greatest of these values minus the smallest.

The width is greater than 4, which is the greatest possible difference between two small counts.
"""


def primary(system: System[AnyKey], published: Collection[AnyKey] = frozenset()) -> set[AnyKey]:
    """
    Return the cells that are withheld because they are small.

    `published` are the cells that earlier releases have shown.
    """
    return {key for key, cell in system.cells.items() if cell.value in SMALL and key not in published}


def protect(
    system: System[AnyKey], *, published: Collection[AnyKey] = frozenset(), hidden: Collection[AnyKey] = frozenset()
) -> set[AnyKey]:
    """
    Return all cells to withhold, including those that earlier releases withheld.

    Args:
        system: the cells.
        published: the cells that earlier releases have shown.
        hidden: the cells that earlier releases have withheld.

    Raises:
        DisclosureUnsafe: earlier releases have shown so much that no choice protects every small count.
    """
    withheld = set(hidden) | primary(system, published)
    related, ranges = system.related(), Ranges(system)
    while exposed := [key for key, width in ranges.widths(withheld, WIDTH).items() if width < WIDTH]:
        nearest = (_next(system, related[key], withheld, published) for key in sorted(exposed, key=str))
        found = {key for key in nearest if key is not None} or _any_left(system, withheld, published)
        if not found:
            raise DisclosureUnsafe(
                f"{len(exposed)} withheld figures can be worked out from what was published before; "
                f"the first is {exposed[0][:4]}; allowed: a range of {WIDTH} or more"
            )
        withheld |= found
    return withheld


def _next(
    system: System[AnyKey], relations: Iterable[Sequence[AnyKey]], withheld: set[AnyKey], published: Collection[AnyKey]
) -> AnyKey | None:
    """
    Return the figure to withhold next, in order to protect a figure that has these relations.

    The search begins with the relation in which the fewest figures are withheld. It chooses the smallest part that may
    still be withheld, and the total only if there is no such part.
    """
    for relation in sorted(relations, key=lambda keys: sum(key in withheld for key in keys)):
        *parts, total = relation
        open_parts = [key for key in parts if _is_open(system, key, withheld, published)]
        if open_parts:
            return min(open_parts, key=lambda key: (system.cells[key].value, str(key)))
        if _is_open(system, total, withheld, published):
            return total
    return None


def _any_left(system: System[AnyKey], withheld: set[AnyKey], published: Collection[AnyKey]) -> set[AnyKey]:
    """
    Return the smallest figure that may still be withheld.

    This is needed only if a count is revealed by several relations together.
    """
    left = [key for key in system.cells if _is_open(system, key, withheld, published)]
    return {min(left, key=lambda key: (system.cells[key].value, str(key)))} if left else set()


def _is_open(system: System[AnyKey], key: AnyKey, withheld: set[AnyKey], published: Collection[AnyKey]) -> bool:
    return key not in withheld and key not in published and system.cells[key].value > 0
