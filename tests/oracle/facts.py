"""The valid events: the events that remain after duplicates, corrections and withdrawals have been applied."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from streams.contracts import Accepted, Event
from tests.oracle.alert import Identity, Root

__all__ = ["Fact", "valid"]

Name = tuple[str, str, str, str]
"""Topic, key, source and id: the name that a source gives an event. Several events can have one name."""

_EPOCH = datetime.fromtimestamp(0, UTC)
_TOLERANCE = timedelta(minutes=5)
"""An event time that lies further than this after the arrival is replaced by the arrival time."""


@dataclass(frozen=True)
class Fact:
    """
    One valid event: when it happened, when it arrived, the id of its original event, and its content.

    `versions` holds every version of the event: the version that was sent first, and the version of each correction.
    """

    at: datetime
    root: Identity
    data: Event
    received_at: datetime
    is_backfill: bool = False
    key: str = ""
    versions: tuple["Fact", ...] = field(default=(), compare=False)

    @property
    def arrived_at(self) -> datetime:
        """When the event reached the desk. Backfilled events count as arrived when they happened."""
        return self.at if self.is_backfill else self.received_at

    @property
    def order(self) -> tuple[datetime, Identity, str, str]:
        """
        The key by which events are sorted. Events of one instant are ordered by `(source, id)`, then by topic and key.
        """
        return self.at, self.root, self.data.topic, self.key


def valid(events: Iterable[Accepted]) -> list[Fact]:
    """
    The events in force, in the order in which they happened.

    Copies count as one event. If an event has corrections or withdrawals, the amendment with the latest `(time, id)`
    counts, even if the original event never arrived. Without amendments, the first copy to arrive counts.
    """
    names: dict[Name, list[Accepted]] = defaultdict(list)
    for event in sorted(events, key=_arrival):
        if not any(_says_the_same(event, other) for other in names[_name(event)]):
            names[_name(event)].append(event)
    facts = [fact for said in names.values() for fact in _events(said)]
    return sorted(facts, key=lambda fact: fact.order)


def _arrival(event: Accepted) -> tuple[int, str, int, int]:
    return event.received_ms, event.topic, event.partition, event.offset


def _name(event: Accepted) -> Name:
    """The source and id of the original event that a record creates or amends, with topic and key."""
    return event.topic, event.key, *event.root


def _says_the_same(one: Accepted, other: Accepted) -> bool:
    return (one.identity, _content(one)) == (other.identity, _content(other))


def _content(event: Accepted) -> tuple:
    """The whole content of an event, as the contract reads the event. A correction contains its replacement fact."""
    amendment = event.amendment
    told = () if amendment is None else tuple(getattr(amendment, name, None) for name in _AMENDMENT)
    envelope = event.envelope
    return envelope.type, envelope.time, envelope.authority, envelope.backfill, told, event.fact


_AMENDMENT = (
    *("root_source", "root_id", "root_time", "withdrawal_reason", "replaced_type", "replaced_time"),
    *("family_id", "person_id", "alert_id"),
)


def _events(said: list[Accepted]) -> list[Fact]:
    """The valid events among all records that share topic, key, source and id. The records are in order of arrival."""
    recorded = [event for event in said if event.change == "recorded"]
    amendments = [event for event in said if event.change != "recorded"]
    about: dict[int, list[Accepted]] = {number: [] for number in range(len(recorded))}
    awaited: dict[datetime | None, list[Accepted]] = defaultdict(list)
    facts = []
    for amendment in amendments:
        time = amendment.amendment.root_time
        meant = [number for number, event in enumerate(recorded) if time in (None, event.envelope.time)]
        if not meant:
            awaited[time and time.astimezone(UTC)].append(amendment)
        elif len(meant) == 1:
            about[meant[0]].append(amendment)
        elif amendment.change == "corrected" and not any(_content(each) == _content(amendment) for each in facts):
            # It is unclear which of the events this correction replaces, so the correction counts as an event of its
            # own.
            facts.append(amendment)
    own = [_told([each], _told_apart(each)) for each in facts]
    named = [
        _told([event, *about[number]], _told_apart(event) if number else event.root)
        for number, event in enumerate(recorded)
    ]
    first = min(awaited, key=lambda time: (time is not None, time or _EPOCH), default=None)
    waiting = [
        _told(each, each[0].root if not recorded and time == first else _suffixed(each[0], f"@{_microseconds(time)}"))
        for time, each in awaited.items()
    ]
    return [fact for fact in (*named, *waiting, *own) if fact is not None]


def _suffixed(event: Accepted, suffix: str) -> Identity:
    """
    The identity of a further event under a source and id that are already used. The first event keeps its identity.
    """
    source, id_ = event.root
    return source, id_ + suffix


def _told_apart(event: Accepted) -> Identity:
    """
    The identity of a further event under a source and id that are already used. A hash of its content is appended.
    """
    return _suffixed(event, f"#{event.content_id % 2**64:X}")


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _told(said: list[Accepted], root: Identity) -> Fact | None:
    """Combine all versions and amendments of one event. The result is None if the event was withdrawn."""
    counts = _in_force(said)
    if counts.change == "withdrawn":
        return None
    versions = tuple(_fact(each, root) for each in said if each.change != "withdrawn")
    return replace(_fact(counts, root), versions=versions)


def _in_force(said: list[Accepted]) -> Accepted:
    """
    The version of an event that counts, out of all versions in order of arrival.

    If amendments have equal `(time, id)`, `max` keeps the amendment that arrived first.
    """
    amendments = [each for each in said if each.change != "recorded"]
    if amendments:
        return max(amendments, key=lambda each: (each.envelope.time, each.envelope.id))
    return said[0]


def _fact(event: Accepted, root: Identity) -> Fact:
    received_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=event.received_ms)
    said = event.amendment.replaced_time if event.change == "corrected" else event.envelope.time
    at = received_at if said > received_at + _TOLERANCE else said.astimezone(UTC)
    named = Root.of(root, at, event.fact.type, event.key)
    return Fact(at, named, event.fact, received_at, event.envelope.backfill, key=event.key)
