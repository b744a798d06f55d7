"""
Which figures are withheld: small ones, and as many more as it takes that no small one can be worked out.

The choice is the same for the same figures. What was published before stays published.
"""

from collections.abc import Collection, Iterable, Sequence

from streams.disclosure.cells import Key, System
from streams.disclosure.ranges import Ranges
from streams.errors import DisclosureUnsafe

__all__ = ["SMALL", "WIDTH", "primary", "protect"]

SMALL = range(1, 6)
"""Counts that are withheld, as the DfE's are; zeros are shown."""

WIDTH = 5
"""A withheld figure must be able to be so much more than the least it can be: more than the span of the small ones."""


def primary(system: System, published: Collection[Key] = frozenset()) -> set[Key]:
    """The cells that are withheld for their own sake; `published` are those of earlier releases."""
    return {key for key, cell in system.cells.items() if cell.value in SMALL and key not in published}


def protect(
    system: System, *, published: Collection[Key] = frozenset(), hidden: Collection[Key] = frozenset()
) -> set[Key]:
    """
    All cells to withhold, with those that are `hidden` since earlier releases.

    Raises:
        DisclosureUnsafe: earlier releases leave no choice by which everything is protected.
    """
    withheld = set(hidden) | primary(system, published)
    related, ranges = system.related(), Ranges(system)
    while exposed := [key for key, width in ranges.widths(withheld, WIDTH).items() if width < WIDTH]:
        found = {_next(system, related[key], withheld, published) for key in sorted(exposed, key=str)} - {None}
        found = found or _any_left(system, withheld, published)
        if not found:
            raise DisclosureUnsafe(
                f"{len(exposed)} withheld figures can be worked out from what was published before; "
                f"the first is {exposed[0][:4]}; allowed: a range of {WIDTH} or more"
            )
        withheld |= found
    return withheld


def _next(
    system: System, relations: Iterable[Sequence[Key]], withheld: set[Key], published: Collection[Key]
) -> Key | None:
    """The smallest figure beside it that is not withheld yet, where fewest are; a total last."""
    for relation in sorted(relations, key=lambda keys: sum(key in withheld for key in keys)):
        *parts, total = relation
        open_parts = [key for key in parts if _is_open(system, key, withheld, published)]
        if open_parts:
            return min(open_parts, key=lambda key: (system.cells[key].value, str(key)))
        if _is_open(system, total, withheld, published):
            return total
    return None


def _any_left(system: System, withheld: set[Key], published: Collection[Key]) -> set[Key]:
    """The smallest figure of all: where something shows by more than one relation at once."""
    left = [key for key in system.cells if _is_open(system, key, withheld, published)]
    return {min(left, key=lambda key: (system.cells[key].value, str(key)))} if left else set()


def _is_open(system: System, key: Key, withheld: set[Key], published: Collection[Key]) -> bool:
    return key not in withheld and key not in published and system.cells[key].value > 0
