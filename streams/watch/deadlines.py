"""The next instant at which a rule's answer about a family may change with no new event, in a heap."""

import heapq
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from streams.rules.answers import Deadline

__all__ = ["Deadlines"]


class Deadlines:
    """Deadlines by family; what an evaluation of a family by some rules says replaces what they said before."""

    def __init__(self) -> None:
        self._by_family: dict[str, list[Deadline]] = {}
        self._heap: list[tuple[datetime, str]] = []

    def replace(
        self, families: Collection[str], rules: Collection[str], deadlines: Iterable[Deadline], as_of: datetime
    ) -> None:
        """Take over the deadlines of families evaluated by rules; those before `as_of` (aware) are over."""
        for family in families:
            kept = [deadline for deadline in self._by_family.pop(family, ()) if deadline.rule not in rules]
            if kept:
                self._by_family[family] = kept
        clock = as_of.astimezone(UTC).replace(tzinfo=None)
        for deadline in deadlines:
            if deadline.family_id in families and deadline.due_at >= clock:
                self._by_family.setdefault(deadline.family_id, []).append(deadline)
                heapq.heappush(self._heap, (deadline.due_at, deadline.family_id))

    def next_due(self) -> datetime | None:
        """When the next deadline passes, aware; it may turn out to be obsolete."""
        return self._heap[0][0].replace(tzinfo=UTC) if self._heap else None

    def pop_due(self, now: datetime) -> list[Deadline]:
        """Remove and return the deadlines that have passed (`now` is later than they are)."""
        clock = now.astimezone(UTC).replace(tzinfo=None)
        due: list[Deadline] = []
        while self._heap and self._heap[0][0] < clock:
            due_at, family = heapq.heappop(self._heap)
            known = self._by_family.get(family, [])
            passed = [deadline for deadline in known if deadline.due_at == due_at]
            for deadline in passed:
                known.remove(deadline)
            due += passed
        return due
