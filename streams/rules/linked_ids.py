"""Groups of linked ids. Groups can be united, but never become smaller."""

from collections.abc import Iterable

__all__ = ["Groups"]


class Groups:
    """Disjoint groups of ids. When two groups are united, the smaller group is moved into the larger one."""

    def __init__(self) -> None:
        self._group: dict[str, set[str]] = {}

    def link(self, one: str, other: str) -> None:
        """Unite the groups of two ids into one group."""
        small, large = sorted((self._group.get(one, {one}), self._group.get(other, {other})), key=len)
        large |= small
        for member in small | {one, other}:
            self._group[member] = large

    def with_linked(self, ids: Iterable[str]) -> set[str]:
        """Return the given ids and all ids linked to them."""
        return {member for one in ids for member in self._group.get(one, (one,))}
