"""
Find every landed record about a subject, and decide what becomes of it.

A record that is about the subject alone is erased: its content goes, and only its place in the topic stays. A record
that also tells something about others is changed: markers replace the subject's ids, and free text goes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import duckdb
import msgspec

from streams import names
from streams.erase.others import beside_others
from streams.erase.payload import is_in_payload
from streams.erase.reach import Reach
from streams.erase.subject import Subject
from streams.erase.words import parts_of
from streams.lake.rows import each_row

__all__ = ["Found", "Place", "find"]

_EVENTS = """
    SELECT topic, kafka_partition, kafka_offset, record_key, event_source, event_id, change, root_source, root_id, fact,
           event_at, fact_at, family_id, release_family_id, marker_families, person_id, linked_person_id, person_ids,
           alert_id, referral_id, payload
    FROM landing.main.events
"""
_NAMES_SUBJECT = """
    list_contains($ids, record_key) OR list_contains($families, family_id)
    OR list_contains($families, release_family_id) OR list_has_any($families, coalesce(marker_families, []))
    OR list_contains($persons, person_id) OR list_contains($persons, linked_person_id)
    OR list_has_any($persons, coalesce(person_ids, []))
    OR contains(payload, chr(92)) OR len(list_filter($ids, lambda id: contains(payload, id))) > 0
"""
"""An id in a payload may be spelt with JSON's escapes, so each payload with a backslash is looked at."""
_SHARING = "information-shared"
"""An event of this kind is about a family. The person in it is an addition, so the event stays if the person goes."""


class Place(NamedTuple):
    """Where a record is or was: topic, partition and offset, numbered as in the lake."""

    topic: str
    partition: int
    offset: int


Covered = Callable[[Place], bool]
"""Says whether an approval covers a landed record."""


class Found(msgspec.Struct):
    """
    What an erasure will do.

    Attributes:
        subject: whom it erases, and beside whom.
        erased: the records that lose their content, by landing table.
        changed: the events in which markers replace the ids.
        alerts: the ids of the alerts that are erased, in all their versions.
        letters: the ids of the referrals whose letters are erased, as far as the approval reaches.
        later_letters: those of them whose later letters are erased too, because no event that stays has them.
        named: all ids of families and persons in these events.
        also_named: those of them that are not erased, because nobody asked for it.
        letters_kept: the number of referral ids that other families use as well. Letters about them are kept.
        reach: what the approval covers; None if everything.
        unattributed: how many of the erased rejected records and dead letters name nobody.
        two_kinds: how many of the erased ids of families are also ids of persons, or the other way round.
        later: the number of events and rejected records about the subject that arrived later, and stay.
    """

    subject: Subject = msgspec.field(default_factory=lambda: Subject([], [], {}))
    erased: dict[str, list[Place]] = msgspec.field(default_factory=dict)
    changed: list[Place] = []
    alerts: list[str] = []
    letters: list[str] = []
    later_letters: list[str] = []
    named: list[str] = []
    also_named: list[str] = []
    letters_kept: int = 0
    reach: Reach | None = None
    unattributed: int = 0
    two_kinds: int = 0
    later: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """The number of erased records by landing table, and of changed events."""
        return {**{table: len(places) for table, places in self.erased.items() if places}, "changed": len(self.changed)}

    @property
    def places(self) -> set[Place]:
        """The places of all records that are erased or changed."""
        return {place for places in self.erased.values() for place in places} | set(self.changed)


class _Event(NamedTuple):
    topic: str
    partition: int
    offset: int
    key: str
    source: str
    id: str
    change: str
    root_source: str
    root_id: str
    fact: str | None
    event_at: Any
    fact_at: Any
    family: str | None
    release_family: str | None
    marker_families: list[str] | None
    person: str | None
    linked_person: str | None
    persons: list[str] | None
    alert: str | None
    referral: str | None
    payload: str

    @property
    def place(self) -> Place:
        return Place(*self[:3])

    @property
    def root(self) -> tuple[str, str, str, str]:
        return self.topic, self.key, self.root_source, self.root_id

    @property
    def families(self) -> set[str]:
        return {one for one in (self.family, self.release_family, *(self.marker_families or ())) if one}

    @property
    def people(self) -> set[str]:
        return {one for one in (self.person, self.linked_person, *(self.persons or ())) if one}

    @property
    def names(self) -> set[str]:
        return self.families | self.people

    def is_about(self, subject: Subject) -> bool:
        if self.family in subject.families or self.linked_person in subject.persons:
            return True
        if self.person in subject.persons and (self.fact != _SHARING or self.family is None):
            return True
        return not self.names and self.key in subject.ids  # a withdrawal

    def mentions(self, subject: Subject) -> bool:
        named = self.families.intersection(subject.families) or self.people.intersection(subject.persons)
        return bool(named) or is_in_payload(subject, self.payload)

    def of_two_kinds(self, subject: Subject) -> set[str]:
        """Return those ids of the subject that the event gives to somebody of the other kind."""
        families, persons = set(subject.families), set(subject.persons)
        return (self.families & persons - families) | (self.people & families - persons)


def find(
    lake: duckdb.DuckDBPyConnection,
    subject: Subject,
    reach: Reach | None = None,
    unattributed: Iterable[Place] = (),
) -> Found:
    """
    Find all landed records about the subject. Nothing is changed.

    Args:
        unattributed: rejected records that name nobody, and go as well.
        reach: what the approval covers; None means everything. What arrived later is left alone, unless a part of this
            system made it from records that are erased.
    """

    def covered(place: Place) -> bool:
        return reach is None or reach.covers(*place)

    subject = beside_others(lake, subject)
    ids = {"ids": subject.ids, "families": subject.families, "persons": subject.persons}
    naming, two_kinds = [], set[str]()
    for one in _events(lake, _NAMES_SUBJECT, **ids) if subject.ids else ():
        two_kinds |= one.of_two_kinds(subject)
        if one.is_about(subject) or one.mentions(subject):
            naming.append(one)
    candidates = [one for one in naming if covered(one.place)]
    about = [one for one in candidates if one.is_about(subject)]
    about += _amendments(lake, about, covered)
    unreadable = _rejected(lake, "quarantine", subject)
    rejected = {place for place in unreadable if covered(place)}
    others = set(_still_rejected(lake, unattributed))
    alerts = _alerts(lake, subject, about, rejected | others, covered)
    actions = _events(lake, "list_contains($alerts, alert_id)", alerts=sorted(alerts)) if alerts else ()
    whole = {one.place: one for one in (*about, *actions) if covered(one.place)}
    changed = [one for one in candidates if one.place not in whole]
    letters, later_letters, kept = _letters(lake, whole.values(), covered)
    about_alerts = _places(lake, "sharing_decisions", "list_contains($1, alert_id)", sorted(alerts))
    about_families = _places(lake, "sharing_decisions", "list_contains($1, family_id)", subject.families)
    answers = _places(lake, "feedback", "list_contains($1, referral_id)", letters)
    later_answers = _places(lake, "feedback", "list_contains($1, referral_id)", later_letters)
    naming_letters = _rejected(lake, "dead_letters", subject)
    erased = {
        "events": sorted(whole),
        "quarantine": sorted(rejected | others),
        "alerts": _places(lake, "alerts", "list_contains($1, alert_id)", sorted(alerts)),
        "feedback": sorted({*filter(covered, answers), *later_answers}),
        "sharing_decisions": sorted({*about_alerts, *filter(covered, about_families)}),
        "dead_letters": sorted({*filter(covered, naming_letters), *_dead_letters_of(lake, rejected | others)}),
    }
    named = {name for one in (*whole.values(), *changed) for name in one.names}
    return Found(
        subject=subject,
        erased=erased,
        changed=sorted(one.place for one in changed),
        alerts=sorted(alerts),
        letters=letters,
        later_letters=later_letters,
        named=sorted(named),
        also_named=sorted(named - {*subject.ids}),
        letters_kept=kept,
        reach=reach,
        two_kinds=len(two_kinds),
        later=len(naming) - len(candidates) + len(unreadable) - len(rejected),
        unattributed=len(others) + len(_dead_letters_of(lake, others)),
    )


def _events(lake: duckdb.DuckDBPyConnection, condition: str, **values: object) -> Iterator[_Event]:
    found = lake.execute(f"{_EVENTS} WHERE {condition}", values)
    yield from (_Event(*row) for row in each_row(found))


def _amendments(lake: duckdb.DuckDBPyConnection, about: Iterable[_Event], covered: Covered) -> list[_Event]:
    """
    Return corrections and withdrawals of events that are erased.

    They are left alone if their source used the same id for another event that stays, because they may be about that
    event.
    """
    about = list(about)
    roots, places = {one.root for one in about}, {one.place for one in about}
    others = _events(lake, "list_contains($keys, record_key)", keys=sorted({one.key for one in about}))
    same = [one for one in others if one.root in roots and one.place not in places and covered(one.place)]
    staying = Counter(one.root for one in same if one.change == "recorded")
    return [one for one in same if one.change != "recorded" and not staying[one.root]]


def _alerts(
    lake: duckdb.DuckDBPyConnection,
    subject: Subject,
    about: Iterable[_Event],
    rejected: Iterable[Place],
    covered: Covered,
) -> set[str]:
    """
    Return the ids of the alerts that are about the subject or rest on an event that is erased.

    An alert about an area is left alone: it counts events of many families. A later alert about the subject is left
    alone if it rests on events that stay. Otherwise it came from a watcher that still knew erased events.
    """
    evidence = {(one.source, one.id) for one in about} | {(one.root_source, one.root_id) for one in about}
    moments = {one.event_at for one in about} | {one.fact_at for one in about}
    records = set(_texts(rejected))
    entities = {"family": subject.families, "child": subject.persons, "identifier": subject.ids}
    found: set[str] = set()
    later: list[tuple[str, set[tuple[str, str]]]] = []
    about_alerts: set[tuple[str, str]] = set()
    rows = lake.execute(
        "SELECT topic, kafka_partition, kafka_offset, alert_id, entity_kind, entity_id, family_id, reason, evidence "
        "FROM landing.main.alerts"
    )
    for *place, alert_id, kind, entity, family, reason, rests_on in each_row(rows):
        if kind == "alert":
            about_alerts.add((alert_id, entity))
        is_about = kind != "area" and (
            family in subject.families or entity in entities.get(kind, ()) or subject.is_in(reason)
        )
        is_of_record = kind == "record" and entity in records
        rests = any((one["source"], one["id"]) in evidence and one["time"] in moments for one in rests_on or ())
        if is_of_record or (rests and kind != "area") or (is_about and covered(Place(*place))):
            found.add(alert_id)
        elif is_about:
            later.append((alert_id, {(one["source"], one["id"]) for one in rests_on or ()}))
    found |= _unfounded(lake, later, about)
    # An alert may be about another alert that nobody has acknowledged.
    return found | {alert_id for alert_id, entity in about_alerts if entity in found}


def _unfounded(
    lake: duckdb.DuckDBPyConnection, later: Iterable[tuple[str, set[tuple[str, str]]]], about: Iterable[_Event]
) -> set[str]:
    """Return those alerts that do not rest on events that stay. Each alert comes with the events on which it rests."""
    later, places = list(later), {one.place for one in about}
    ids = sorted({id_ for _, rests_on in later for _, id_ in rests_on})
    staying = {
        known
        for one in _events(lake, "list_contains($events, event_id) OR list_contains($events, root_id)", events=ids)
        if one.place not in places
        for known in ((one.source, one.id), (one.root_source, one.root_id))
    }
    return {alert_id for alert_id, rests_on in later if not rests_on or not rests_on <= staying}


def _letters(
    lake: duckdb.DuckDBPyConnection, whole: Iterable[_Event], covered: Covered
) -> tuple[list[str], list[str], int]:
    """
    Return the referral ids that only erased events have.

    Returns:
        The ids that no other event has as far as the approval reaches; the ids that no other event has at all; and the
        number of ids that other events have as well.
    """
    whole = list(whole)
    referrals = sorted({one.referral for one in whole if one.referral})
    places = {one.place for one in whole}
    using = _events(lake, "list_contains($referrals, referral_id)", referrals=referrals)
    others = [one for one in using if one.place not in places]
    shared = {one.referral for one in others if covered(one.place)}
    shared_later = {one.referral for one in others}
    only = [one for one in referrals if one not in shared]
    return only, [one for one in only if one not in shared_later], len(shared)


def _rejected(lake: duckdb.DuckDBPyConnection, table: str, subject: Subject) -> set[Place]:
    """Return the rejected records or dead letters that contain an id. Nobody may erase from the topic of the audit."""
    rows = lake.execute(
        "SELECT topic, kafka_partition, kafka_offset, record_key, record_value, record_headers "
        f"FROM landing.main.{table} WHERE topic <> $1",
        [names.AUDIT],
    )
    return {
        Place(*place)
        for *place, key, value, headers in each_row(rows)
        if any(map(subject.is_in, parts_of(key, value, headers)))
    }


def _still_rejected(lake: duckdb.DuckDBPyConnection, places: Iterable[Place]) -> list[Place]:
    """Return those places at which the quarantine still has a record."""
    return _places(
        lake, "quarantine", "list_contains($1, concat_ws('/', topic, kafka_partition, kafka_offset))", _texts(places)
    )


def _dead_letters_of(lake: duckdb.DuckDBPyConnection, rejected: Iterable[Place]) -> list[Place]:
    """Return the dead letters about rejected records."""
    origin = "concat_ws('/', rejected_topic, rejected_partition, rejected_offset)"
    return _places(lake, "dead_letters", f"list_contains($1, {origin})", _texts(rejected))


def _texts(places: Iterable[Place]) -> list[str]:
    return [f"{topic}/{partition}/{offset}" for topic, partition, offset in places]


def _places(lake: duckdb.DuckDBPyConnection, table: str, condition: str, *values: object) -> list[Place]:
    rows = lake.execute(
        f"SELECT topic, kafka_partition, kafka_offset FROM landing.main.{table} WHERE {condition}", list(values)
    ).fetchall()
    return sorted(Place(*row) for row in rows)
