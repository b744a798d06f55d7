"""Who belongs to whom: many-to-many indexes and groups of linked identities, both of which only ever grow."""

from collections.abc import Iterable
from sys import intern

__all__ = ["Groups", "Relation"]


class Relation:
    """Pairs of ids that can be asked from either side; most ids have one or two partners, so tuples hold them."""

    def __init__(self) -> None:
        self._right: dict[str, tuple[str, ...]] = {}
        self._left: dict[str, tuple[str, ...]] = {}

    def add(self, left: str, right: str) -> None:
        """Remember a pair."""
        left, right = intern(left), intern(right)
        rights = self._right.get(left, ())
        if right not in rights:
            self._right[left] = (*rights, right)
            self._left[right] = (*self._left.get(right, ()), left)

    def lefts(self, right: str) -> int:
        """How many partners a right id has."""
        return len(self._left.get(right, ()))

    def right(self, lefts: Iterable[str]) -> set[str]:
        """All partners of the left ids."""
        return {right for left in lefts for right in self._right.get(left, ())}

    def left(self, rights: Iterable[str]) -> set[str]:
        """All partners of the right ids."""
        return {left for right in rights for left in self._left.get(right, ())}


class Groups:
    """Disjoint groups of ids (union by moving the smaller group)."""

    def __init__(self) -> None:
        self._group: dict[str, set[str]] = {}

    def link(self, one: str, other: str) -> None:
        """Make two ids, and all that either is linked to, one group."""
        small, large = sorted((self._group.get(one, {one}), self._group.get(other, {other})), key=len)
        large |= small
        for member in small | {one, other}:
            self._group[member] = large

    def with_linked(self, ids: Iterable[str]) -> set[str]:
        """The ids and everything linked to them."""
        return {member for one in ids for member in self._group.get(one, (one,))}
