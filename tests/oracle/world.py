"""The state of the world after the valid events, at any chosen event."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TypeVar

from streams.contracts import Event
from streams.contracts.case_people import (
    AddressChanged,
    HouseholdJoined,
    HouseholdLeft,
    PersonRecorded,
    PersonsLinked,
    RiskMarkerSet,
)
from streams.contracts.case_work import CaseClosed, CaseOpened, LevelChanged
from streams.contracts.codesets import HouseholdRole, MarkerRole
from tests.oracle.clock import birthday, london_day
from tests.oracle.crowds import NOBODY, Crowds
from tests.oracle.facts import Fact

__all__ = ["World"]

_SEPTEMBER = 9

T = TypeVar("T", bound=Event)


class World:
    """
    The valid events up to some point (`facts`), and all valid events that are known (`known`).

    Which identifiers belong to one person does not depend on the point: two linked identifiers have always been one
    person.
    """

    def __init__(self, known: Sequence[Fact], crowds: Crowds = NOBODY, same: dict | None = None) -> None:
        self.known = self.facts = known
        self.crowds = crowds
        self._same = _linked(known, crowds) if same is None else same

    def of_facts(self, facts: Sequence[Fact]) -> "World":
        """The world in which only the given events have happened."""
        other = World(self.known, self.crowds, self._same)
        other.facts = facts
        return other

    def until(self, fact: Fact) -> "World":
        """The world just after an event."""
        return self.of_facts([each for each in self.facts if each.order <= fact.order])

    def before(self, fact: Fact) -> "World":
        """The world just before an event."""
        return self.of_facts([each for each in self.facts if each.order < fact.order])

    def of(self, *kinds: type[Event], **fields: object) -> list[Fact]:
        """Events of the given kinds whose fields have the given values, in order."""
        return [
            fact
            for fact in self.facts
            if isinstance(fact.data, kinds) and all(getattr(fact.data, name) == value for name, value in fields.items())
        ]

    def of_person(self, person: str, *kinds: type[Event], **fields: object) -> list[Fact]:
        """Events of the given kinds about one person, under any of the person's identifiers."""
        return [fact for fact in self.of(*kinds, **fields) if self.person(fact.data.person_id) == person]

    def person(self, person_id: str | None) -> str | None:
        """The smallest of all identifiers of a person. It represents the person."""
        return self._same.get(person_id, person_id)

    @cached_property
    def families(self) -> list[str]:
        """Every family that an event names in its `family_id`."""
        return sorted({family for fact in self.known if (family := getattr(fact.data, "family_id", None))})

    def stay(self, family: str, person: str) -> Fact | None:
        """The event that began a person's present stay in a household. None if the person is not a member."""
        began = None
        for fact in self.of_person(person, HouseholdJoined, HouseholdLeft, family_id=family):
            if isinstance(fact.data, HouseholdLeft):
                began = None
            elif began is None:
                began = fact
        return began

    def members(self, family: str) -> set[str]:
        """Persons who are in the household."""
        joined = {self.person(fact.data.person_id) for fact in self.of(HouseholdJoined, family_id=family)}
        return {person for person in joined if self.stay(family, person)}

    def children(self, family: str, at: datetime) -> set[str]:
        """Members of the household who are children."""
        return {person for person in self.members(family) if self.is_child(family, person, at)}

    def is_child(self, family: str, person: str, at: datetime) -> bool:
        """
        Whether a person is a child: under 18 in London on that day, or unborn.

        If neither a date of birth nor a due date is recorded, the role in the household decides. The record in force is
        the latest record up to that time, or, without such a record, the first one after. After the day of death, a
        person is not a child.
        """
        record = self._record(person)
        if record and record.died_on and record.died_on < london_day(at):
            return False
        if record and record.date_of_birth:
            return london_day(at) < birthday(record.date_of_birth, 18)
        if record and record.due_date:
            return True
        return self._role(family, person) in {HouseholdRole.CHILD, HouseholdRole.UNBORN}

    def is_pupil(self, family: str, person: str, at: datetime) -> bool:
        """
        Whether a child has reached reception age, which begins in the school year of the fifth birthday.

        An unborn child has not reached it.
        """
        record = self._record(person)
        if record and record.date_of_birth:
            fifth = birthday(record.date_of_birth, 5)
            return london_day(at) >= date(fifth.year if fifth.month >= _SEPTEMBER else fifth.year - 1, _SEPTEMBER, 1)
        if record and record.due_date:
            return False
        return self._role(family, person) == HouseholdRole.CHILD

    def _role(self, family: str, person: str) -> HouseholdRole:
        return self.of_person(person, HouseholdJoined, family_id=family)[-1].data.household_role

    def _record(self, person: str) -> PersonRecorded | None:
        if person in self.crowds.persons:
            return None
        known = self.of_facts(self.known).of_person(person, PersonRecorded)
        up_to_now = self.of_person(person, PersonRecorded)
        if up_to_now:
            return up_to_now[-1].data
        return known[0].data if known else None

    def address(self, family: str) -> str | None:
        """The address to which a family last moved. None if the address is unknown."""
        changes = self.of(AddressChanged, family_id=family)
        return changes[-1].data.address_id if changes else None

    def has_to_do(self, family: str, person: str) -> bool:
        """
        Whether a person has joined the household, or is the source of risk of a marker that names the family.

        Markers count whenever they were set.
        """
        markers = self.of_facts(self.known).of_person(person, RiskMarkerSet, marker_role=MarkerRole.SOURCE_OF_RISK)
        return any(family in fact.data.marker_families for fact in markers) or bool(
            self.of_person(person, HouseholdJoined, family_id=family)
        )

    def level(self, family: str) -> int:
        """The latest level of need, or 0 if no level was ever recorded."""
        levels = self.of(LevelChanged, family_id=family)
        return levels[-1].data.level if levels else 0

    def is_open(self, family: str) -> bool:
        """Whether the family has a case that was opened and not closed."""
        latest = {fact.data.case_id: fact for fact in self.of(CaseOpened, CaseClosed, family_id=family)}
        return any(isinstance(fact.data, CaseOpened) for fact in latest.values())


def _linked(facts: Iterable[Fact], crowds: Crowds) -> dict[str, str]:
    """
    Map every linked identifier to the smallest identifier that it is connected to, without over-shared identifiers.
    """
    links = [(fact.data.person_id, fact.data.linked_person_id) for fact in facts if _is_link(fact)]
    links = [link for link in links if crowds.linked.isdisjoint(link)]
    same = {person: person for link in links for person in link}
    for _ in same:
        for one, other in links:
            same[one] = same[other] = min(same[one], same[other])
    return same


def _is_link(fact: Fact) -> bool:
    return isinstance(fact.data, PersonsLinked)
