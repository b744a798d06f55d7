"""
Choose the figures to withhold: the small ones, and as many others as are needed so that nobody can work them out.

The same figures always lead to the same choice. What was published before stays published.
"""

from collections.abc import Collection, Iterable, Sequence

from streams.disclosure.cells import AnyKey, System
from streams.disclosure.ranges import Ranges
from streams.errors import DisclosureUnsafe

__all__ = ["SMALL", "WIDTH", "primary", "protect"]

SMALL = range(1, 6)
"""The counts that are withheld, as the DfE does. Zeros are shown."""

WIDTH = 5
"""
The least distance between the smallest and the greatest value that a withheld figure may have, for all a reader knows.

It is more than the distance between the smallest and the greatest small count.
"""


def primary(system: System[AnyKey], published: Collection[AnyKey] = frozenset()) -> set[AnyKey]:
    """Return the cells that are withheld because they are small. `published` are the cells of earlier releases."""
    return {key for key, cell in system.cells.items() if cell.value in SMALL and key not in published}


def protect(
    system: System[AnyKey], *, published: Collection[AnyKey] = frozenset(), hidden: Collection[AnyKey] = frozenset()
) -> set[AnyKey]:
    """
    Return all cells to withhold, including those that earlier releases withheld.

    Args:
        system: the cells.
        published: the cells that earlier releases show.
        hidden: the cells that earlier releases withheld.

    Raises:
        DisclosureUnsafe: because of what earlier releases show, no choice protects everything.
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
    Return the figure to withhold next, to protect a figure with these relations.

    It is the smallest one that is not withheld yet, in the relation in which fewest are withheld. In each relation, the
    total comes last.
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
    """Return the smallest figure of all. It is needed when only several relations together reveal a count."""
    left = [key for key in system.cells if _is_open(system, key, withheld, published)]
    return {min(left, key=lambda key: (system.cells[key].value, str(key)))} if left else set()


def _is_open(system: System[AnyKey], key: AnyKey, withheld: set[AnyKey], published: Collection[AnyKey]) -> bool:
    return key not in withheld and key not in published and system.cells[key].value > 0
