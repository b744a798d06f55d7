"""Groups of linked ids. Groups only ever grow."""

from collections.abc import Iterable

__all__ = ["Groups"]


class Groups:
    """Disjoint groups of ids. When two are united, the smaller one moves."""

    def __init__(self) -> None:
        self._group: dict[str, set[str]] = {}

    def link(self, one: str, other: str) -> None:
        """Unite two ids, and everything to which either is linked, in one group."""
        small, large = sorted((self._group.get(one, {one}), self._group.get(other, {other})), key=len)
        large |= small
        for member in small | {one, other}:
            self._group[member] = large

    def with_linked(self, ids: Iterable[str]) -> set[str]:
        """The ids and everything linked to them."""
        return {member for one in ids for member in self._group.get(one, (one,))}
