"""
Every accepted event in memory, by Kafka key, and what is needed to tell whom an event touches.

Indexes only grow: a correction may take a membership back, but a superset costs a little time and misses nothing.
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
from streams.watch.relations import Groups, Relation
from streams.watch.squeeze import squeeze, unsqueeze

__all__ = ["History", "Named", "StoredRecord", "coordinates"]

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


class Named(NamedTuple):
    """The families, persons and addresses that an event names, and whether it links its persons."""

    families: set[str]
    persons: set[str]
    addresses: set[str]
    is_link: bool = False


class History:
    """Events by key as compact bytes; families, persons, links and addresses as indexes."""

    def __init__(self) -> None:
        self._records: dict[str, list[bytes]] = {}
        self._replays: dict[str, list[StoredRecord]] = defaultdict(list)
        self._replay_of: dict[str, str] = {}
        self._quarantined: dict[str, Rejected] = {}
        self._members = Relation()
        self._family_addresses = Relation()
        self._person_addresses = Relation()
        self._links = Groups()
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
            for person in named.persons:
                self._members.add(family, person)
            for address in named.addresses:
                self._family_addresses.add(family, address)
        for person in named.persons:
            for address in named.addresses:
                self._person_addresses.add(person, address)
        if named.is_link:
            self._links.link(*sorted(named.persons))

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
            named = named_by(event)
            persons = self._links.with_linked(named.persons)
            addresses = named.addresses | self._person_addresses.right(persons)
            own = named.families | self._members.left(persons) | self._family_addresses.left(addresses)
            families |= own
            if isinstance(event.fact, _ABOUT_HOUSEHOLDS):
                # An incident in one household concerns the children of another in which one of its adults lives.
                families |= self._members.left(self._links.with_linked(self._members.right(own)))
        return families

    def load(self, families: Collection[str]) -> list[Accepted]:
        """
        All events of the families and of everyone who ever belonged to them or lived where they live.

        After a domestic abuse incident also those of the other households of the adults whom the report names.
        """
        keys = self._keys(families)
        events = list(self._under(sorted(keys)))
        named = {person for event in events if _is_domestic_abuse(event) for person in event.fact.person_ids}
        others = self._members.left(self._links.with_linked(named)) - keys if named else ()
        return [*events, *self._under(sorted(self._keys(others) - keys))] if others else events

    def _keys(self, families: Collection[str]) -> set[str]:
        persons = self._members.right(families)
        persons |= self._person_addresses.left(self._family_addresses.right(families))
        return {*families, *self._links.with_linked(persons)}

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
        hasattr(about, "linked_person_id"),
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
