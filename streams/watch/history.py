"""
Every accepted event in memory, by Kafka key, and what is needed to tell whom an event touches.

A correction or withdrawal changes what is recorded under its own topic and key, and nothing else.
"""

import struct
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from streams import names
from streams.contracts import Accepted, Event, decode
from streams.contracts.case_change import HouseholdJoined, HouseholdLeft, PersonRecorded, PersonsLinked, SchoolNotified
from streams.contracts.codesets import EscalationKind
from streams.contracts.decode import REPLAY_HEADER, Rejected
from streams.contracts.escalation import EscalationReported
from streams.rules.crowds import Crowd, CrowdLimits
from streams.watch.connections import Connections, Named
from streams.watch.squeeze import squeeze, unsqueeze

__all__ = ["History", "StoredRecord", "coordinates"]

_HEADER = struct.Struct("<BHqqq")
"""Topic, partition, offset, arrival, and the hash of the name of the event that the record is about."""

_ABOUT_HOUSEHOLDS = (HouseholdJoined, HouseholdLeft, PersonRecorded, PersonsLinked, SchoolNotified)
"""Facts that can tell which children live with an adult, or whether their school was told."""


class StoredRecord(NamedTuple):
    """A record as the decoder reads it again."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class History:
    """Events by key as compact bytes, and the connections of their families."""

    def __init__(self, limits: CrowdLimits) -> None:
        self._records: dict[str, list[bytes]] = {}
        self._replays: dict[str, list[StoredRecord]] = defaultdict(list)
        self._replay_of: dict[str, str] = {}
        self._quarantined: dict[str, Rejected] = {}
        self._connections = Connections(limits)
        self._families: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))

    def add(self, event: Accepted) -> None:
        """Remember an event and what it says about who belongs to whom."""
        place = (event.topic, event.partition, event.offset, event.received_ms)
        self.store(event.key, place, event.root, event.value, event.replay_of)
        self.index(named_by(event), event.received_ms)

    def store(
        self,
        key: str,
        place: tuple[str, int, int, int],
        root: tuple[str, str],
        value: bytes,
        replay_of: str | None,
    ) -> None:
        """Remember a record's bytes, where it is and when it arrived (ms), and what it is about."""
        topic, partition, offset, received_ms = place
        header = _HEADER.pack(names.INPUT_TOPICS.index(topic), partition, offset, received_ms, hash(root))
        packed = header + squeeze(value)
        self._records.setdefault(key, []).append(packed)
        if replay_of is not None:
            self._replay_of[coordinates(topic, partition, offset)] = replay_of
            self._replays[replay_of].append(self._unpack(key, packed))

    def index(self, named: Named, received_ms: int) -> None:
        """Remember who belongs to whom."""
        for family in named.families:
            self._families[family] = max(received_ms, self._families.get(family, 0))
        self._connections.add(named)

    def quarantine(self, rejected: Rejected) -> str:
        """Remember an unreadable record; returns its id, `topic/partition/offset`."""
        record = self.record_id(rejected)
        self._quarantined[record] = rejected.without_content()
        return record

    def record_id(self, rejected: Rejected) -> str:
        """The id under which an unreadable record is known."""
        return coordinates(rejected.topic, rejected.partition, rejected.offset)

    def last_received(self, family: str) -> int:
        """When the newest event about a family arrived, in milliseconds since 1970."""
        return self._families[family]

    def of_same_name(self, event: Accepted) -> list[Accepted]:
        """
        The event, and everything else under its topic and key that is about an event of that name.

        A correction changes what was recorded; and of a name that has become that of two events none is corrected.
        """
        start = (names.INPUT_TOPICS.index(event.topic), hash(event.root))
        same = [
            packed
            for packed in self._records.get(event.key, ())
            if (unpacked := _HEADER.unpack_from(packed))[0] == start[0] and unpacked[-1] == start[1]
        ]
        return [event, *_accepted(self._unpack(event.key, packed) for packed in same)] if len(same) > 1 else [event]

    def touched(self, events: Iterable[Accepted]) -> set[str]:
        """Families of an event, of the persons it names (through links), and at its or their addresses."""
        families: set[str] = set()
        for event in events:
            # An incident in one household concerns the children of another in which one of its adults lives.
            are_households = isinstance(event.fact, _ABOUT_HOUSEHOLDS)
            families |= self._connections.touched(named_by(event), are_households=are_households)
        return families

    def pop_parted(self) -> set[str]:
        """Families that had to do with others through what has become a crowd since the last call."""
        return self._connections.pop_parted()

    def crowds(self, events: Iterable[Accepted]) -> set[Crowd]:
        """What of all that the events name links nobody, as more families share it than one person or home is of."""
        return {crowd for event in events for crowd in self._connections.crowds(named_by(event))}

    def load(self, families: Collection[str]) -> list[Accepted]:
        """
        All events of the families and of everyone who ever belonged to them or lived where they live.

        After a domestic abuse incident also those of the other households of the adults whom the report names.
        """
        keys = self._connections.keys(families)
        events = list(self._under(sorted(keys)))
        named = {person for event in events if _is_domestic_abuse(event) for person in event.fact.person_ids}
        others = self._connections.others(named) - keys
        return [*events, *self._under(sorted(self._connections.keys(others) - keys))] if others else events

    def of_alerts(self, alert_ids: Iterable[str]) -> list[Accepted]:
        """What people said of alerts without naming a family."""
        return list(self._under([alert_id for alert_id in alert_ids if alert_id in self._records]))

    def weight(self, family: str) -> int:
        """How many events a family has of its own."""
        return len(self._records.get(family, ()))

    def families(self) -> list[str]:
        """All families, the one with the newest event first."""
        return sorted(self._families, key=self._families.__getitem__, reverse=True)

    def unreadable(self, records: Iterable[str]) -> tuple[list[Rejected], list[Accepted]]:
        """Unreadable records by id, and the events that were sent again in their place."""
        known = [record for record in sorted(records) if record in self._quarantined]
        replays = [event for record in known for event in _accepted(self._replays.get(record, ()))]
        return [self._quarantined[record] for record in known], replays

    def _under(self, keys: Iterable[str]) -> Iterator[Accepted]:
        return _accepted(self._unpack(key, packed) for key in keys for packed in self._records.get(key, ()))

    def _unpack(self, key: str, packed: bytes) -> StoredRecord:
        topic, partition, offset, received_ms, _ = _HEADER.unpack_from(packed)
        name = names.INPUT_TOPICS[topic]
        headers: tuple[tuple[str, bytes], ...] = ()
        if self._replay_of and (replay_of := self._replay_of.get(coordinates(name, partition, offset))):
            headers = ((REPLAY_HEADER, replay_of.encode()),)
        value = unsqueeze(packed[_HEADER.size :])
        return StoredRecord(name, partition, offset, received_ms, key.encode(), value, headers)


def coordinates(topic: str, partition: int, offset: int) -> str:
    """The id of a record: `topic/partition/offset`."""
    return f"{topic}/{partition}/{offset}"


def named_by(event: Accepted) -> Named:
    """Whom and where an event names, whether it records, corrects or withdraws."""
    about: Event | object = event.amendment if event.fact is None else event.fact
    return Named(
        _ids(about, "family_id", "release_family_id", "marker_families"),
        _ids(about, "person_id", "linked_person_id", "person_ids"),
        _ids(about, "address_id"),
        is_link=hasattr(about, "linked_person_id"),
        marker=getattr(about, "marker_id", None),
        is_of_person=getattr(about, "family_id", None) is None,
    )


def _is_domestic_abuse(event: Accepted) -> bool:
    return (
        isinstance(event.fact, EscalationReported)
        and event.fact.escalation_kind is EscalationKind.DOMESTIC_ABUSE_INCIDENT
    )


def _ids(about: object, *fields: str) -> set[str]:
    found: set[str] = set()
    for field in fields:
        value = getattr(about, field, None)
        if isinstance(value, str):
            found.add(value)
        elif value:
            found.update(value)
    return found


def _accepted(records: Iterable[StoredRecord]) -> Iterator[Accepted]:
    return (event for event in map(decode, records) if isinstance(event, Accepted))
