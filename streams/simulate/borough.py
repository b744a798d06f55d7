"""One simulated authority: its places, its people, its random numbers, and the facts that the stories add."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

import msgspec

from streams.contracts.case_people import AddressChanged, HouseholdJoined, PersonRecorded
from streams.contracts.codesets import HouseholdRole, UpnUnknown, WithdrawalReason
from streams.contracts.envelope import Correction, Withdrawal
from streams.contracts.event import Event
from streams.simulate.calibration import AUTHORITIES, calibrate
from streams.simulate.facts import Fact, Ids, system_of
from streams.simulate.places import places_of
from streams.simulate.population import Family, Person, Population

__all__ = ["Borough", "Helped"]


class Helped(NamedTuple):
    """
    A family's time in early help, from the completed assessment to the closure, with the outcome scores at
    closure.
    """

    case_id: str
    family: Family
    assessed_at: datetime
    closed_at: datetime
    scores: Mapping[int, int]
    """Scores of the Supporting Families outcomes, by outcome number."""


class Borough:
    """One authority, to which stories add their facts. Facts that happen at or after `end` are kept for a live run."""

    def __init__(self, authority: str, ids: Ids, seed: str, start: datetime, end: datetime) -> None:
        self.authority = authority
        self.slug = AUTHORITIES[authority]
        self.calibration = calibrate(authority)
        self.places = places_of(authority)
        self.ids = ids
        self.rng = Random(f"{seed}/{authority}")
        self.people = Population(self.places, ids, self.rng)
        self.start, self.end = start, end
        self.facts: list[Fact] = []
        self.families: list[Family] = []
        self.helped: list[Helped] = []
        self._workers = [f"W-{ids.tag}-{number:04d}" for number in range(1, 160)]

    def record(self, at: datetime, data: Event, *, is_planted: bool = False) -> Fact:
        """Add an event. The event's CloudEvents source follows from its topic."""
        key = data.key
        assert key is not None  # every simulated event has a family, a person or an alert as its key
        return self._write(at, data.topic, key, data, is_planted=is_planted)

    def withdraw(self, at: datetime, root: Fact, reason: WithdrawalReason, *, is_planted: bool = False) -> Fact:
        """Withdraw an earlier event."""
        family_id = getattr(root.data, "family_id", None)
        data = Withdrawal(
            root_source=root.source,
            root_id=root.id,
            withdrawal_reason=reason,
            family_id=family_id,
            person_id=None if family_id else root.key,
        )
        return self._write(at, root.topic, root.key, data, is_planted=is_planted)

    def correct(
        self, at: datetime, root: Fact, replacement: Event, replaced_at: datetime, *, is_planted: bool = False
    ) -> Fact:
        """Correct an earlier event by replacing all of its content."""
        data = Correction(
            root_source=root.source,
            root_id=root.id,
            withdrawal_reason=WithdrawalReason.MORE_ACCURATE,
            replaced_type=replacement.type,
            replaced_time=replaced_at,
            replacement=msgspec.Raw(msgspec.json.encode(replacement)),
        )
        return self._write(at, root.topic, root.key, data, is_planted=is_planted)

    def new_family(self, at: datetime, children: int = 1) -> Family:
        """Make a family that has not been recorded yet."""
        family = self.people.family(at, children)
        self.families.append(family)
        return family

    def introduce(self, family: Family, at: datetime, *, is_planted: bool = False) -> None:
        """Record a family's address and members, unless they are already recorded."""
        if family.known_from is not None:
            return
        family.known_from = at
        address = AddressChanged(family_id=family.id, address_id=family.address_id, lsoa_code=family.place.lsoa_code)
        self.record(at, address, is_planted=is_planted)
        for person in family.adults + family.children:
            self.record_person(person, at, is_planted=is_planted)
            joined = HouseholdJoined(family_id=family.id, person_id=person.id, household_role=person.role)
            self.record(at + timedelta(seconds=1), joined, is_planted=is_planted)

    def record_person(self, person: Person, at: datetime, *, is_planted: bool = False) -> Fact:
        """Record what is known about a person."""
        is_small = person.role in (HouseholdRole.CHILD, HouseholdRole.UNBORN) and person.school_id is None
        data = PersonRecorded(
            person_id=person.id,
            date_of_birth=person.born,
            due_date=person.due,
            school_id=person.school_id,
            is_home_educated=person.is_home_educated,
            upn_unknown=UpnUnknown.TOO_YOUNG if is_small else None,
            sex=person.sex,
            ethnicity=person.ethnicity,
            disabilities=person.disabilities,
        )
        return self.record(at, data, is_planted=is_planted)

    def worker(self) -> str:
        """Draw one of the authority's workers."""
        return self.rng.choice(self._workers)

    def _write(
        self, at: datetime, topic: str, key: str, data: Event | Correction | Withdrawal, *, is_planted: bool
    ) -> Fact:
        source, at = system_of(self.slug, topic), at.replace(microsecond=0)
        fact = Fact(at, source, self.ids.new("e"), self.authority, topic, data, key, is_planted)
        self.facts.append(fact)
        return fact
