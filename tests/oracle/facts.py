"""The valid events: what stands of all that arrived, after duplicates, corrections and withdrawals."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from streams.contracts import Accepted, Event
from tests.oracle.alert import Identity

__all__ = ["Fact", "valid"]

_TOLERANCE = timedelta(minutes=5)
"""A time further than this after arrival is not believed."""


@dataclass(frozen=True)
class Fact:
    """
    One valid event: when it happened and arrived, which root event it is, and what it says.

    `versions` are all that was ever said of it, as it was first sent and as it was corrected.
    """

    at: datetime
    root: Identity
    data: Event
    received_at: datetime
    is_backfill: bool = False
    versions: tuple["Fact", ...] = field(default=(), compare=False)

    @property
    def arrived_at(self) -> datetime:
        """When it came to somebody's desk: history that was loaded later came when it happened."""
        return self.at if self.is_backfill else self.received_at

    @property
    def order(self) -> tuple[datetime, Identity]:
        """Place in time; events of one instant are ordered by `(source, id)`."""
        return self.at, self.root


def valid(events: Iterable[Accepted]) -> list[Fact]:
    """
    The events in force, in the order in which they happened.

    Of a root's corrections and withdrawals the latest `(time, id)` counts, whether or not the root ever arrived;
    without any, the first copy of the root to arrive.
    """
    roots: dict[Identity, list[Accepted]] = defaultdict(list)
    for event in sorted(events, key=_arrival):
        roots[event.root].append(event)
    facts = [_told(copies) for copies in roots.values() if _in_force(copies).change != "withdrawn"]
    return sorted(facts, key=lambda fact: fact.order)


def _told(copies: list[Accepted]) -> Fact:
    versions = tuple(_fact(copy) for copy in copies if copy.change != "withdrawn")
    return replace(_fact(_in_force(copies)), versions=versions)


def _arrival(event: Accepted) -> tuple[int, str, int, int]:
    return event.received_ms, event.topic, event.partition, event.offset


def _in_force(copies: list[Accepted]) -> Accepted:
    """Of what was said about one root, in order of arrival, what counts; `max` keeps the first of equals."""
    amendments = [copy for copy in copies if copy.change != "recorded"]
    if amendments:
        return max(amendments, key=lambda copy: (copy.envelope.time, copy.envelope.id))
    return copies[0]


def _fact(event: Accepted) -> Fact:
    received_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=event.received_ms)
    said = event.amendment.replaced_time if event.change == "corrected" else event.envelope.time
    at = received_at if said > received_at + _TOLERANCE else said.astimezone(UTC)
    return Fact(at, event.root, event.fact, received_at, event.envelope.backfill)
