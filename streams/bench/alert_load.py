"""
The load of `./caf bench alerts`: first a history of families with a plausible mix of events, then live events about
them.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from streams.contracts import case_people, case_work, referral
from streams.contracts.codesets import Consent, HouseholdRole, LevelReason, ReferralSource, Severity
from streams.contracts.event import Event

__all__ = ["EVENTS_PER_FAMILY", "Load"]

Record = tuple[str, bytes, bytes]

EVENTS_PER_FAMILY = 12
_SECONDS = 300 * 86_400


class Load:
    """
    Seeded records `(topic, key, value)`. Each live referral is about a family that was referred less than a year
    before.
    """

    def __init__(self, history: int, authority: str, seed: int = 1, *, name: str = "bench") -> None:
        """
        Make a load whose history has `history` events.

        Args:
            name: prefix of all event ids. Two loads with different names have no event in common.
        """
        self._name = name
        self._chance = random.Random(seed)
        self._authority = authority
        self._families = max(1, history // EVENTS_PER_FAMILY)
        self._history = history
        self._number = 0
        self.referrals: set[str] = set()
        """Ids of the live referrals. Each of them must raise an alert."""

    def history(self) -> Iterator[Record]:
        """Yield a year of events, marked as backfill. Each family has one referral."""
        start = datetime.now(UTC) - timedelta(seconds=_SECONDS + 3 * 86_400)
        for number in range(self._history):
            at = start + timedelta(seconds=_SECONDS * number / self._history)
            family = number % self._families
            is_first = number < self._families
            yield self._record(self._referral(family) if is_first else self._ordinary(family), at, backfill=True)

    def live(self) -> tuple[str, Record]:
        """
        Make the next live event, and return its id and its record.

        One event in five is a referral, which raises `re_referral`. One event in twenty changes the level of
        need to 4, which may raise the red alert `rapid_escalation`.
        """
        family, draw = self._chance.randrange(self._families), self._chance.random()
        is_referral = draw < 0.2
        fact: Event
        if draw >= 0.95:
            fact = case_work.LevelChanged(family_id=f"F-{family}", level=4, level_reason=next(iter(LevelReason)))
        else:
            fact = self._referral(family) if is_referral else self._ordinary(family)
        record = self._record(fact, datetime.now(UTC), backfill=False)
        event_id = self._event_id
        if is_referral:
            self.referrals.add(event_id)
        return event_id, record

    def referral(self, family: str) -> tuple[str, Record]:
        """Make a live referral of a family, and return its id and its record."""
        fact = msgspec.structs.replace(self._referral(0), family_id=family)
        record = self._record(fact, datetime.now(UTC), backfill=False)
        return self._event_id, record

    @property
    def _event_id(self) -> str:
        return f"{self._name}-{self._number}"

    def _referral(self, family: int) -> Event:
        return referral.ReferralSubmitted(
            referral_id=f"R-{self._number}",
            family_id=f"F-{family}",
            source_code=ReferralSource.POLICE,
            severity=Severity.AMBER,
            agency_id="police",
            consent=Consent.GIVEN,
        )

    def _ordinary(self, family: int) -> Event:
        """
        Make an event about a household, level, contact or casework.

        About half of these can change a rule's result.
        """
        name, person = f"F-{family}", f"P-{family}-{self._chance.randrange(4)}"
        kinds = (
            lambda: case_people.HouseholdJoined(family_id=name, person_id=person, household_role=HouseholdRole.CHILD),
            lambda: case_people.PersonRecorded(person_id=person, date_of_birth=datetime(2016, 5, 1, tzinfo=UTC).date()),
            lambda: case_work.LevelChanged(family_id=name, level=2, level_reason=next(iter(LevelReason))),
            lambda: referral.ContactRecorded(
                contact_id=f"C-{self._number}", family_id=name, source_code=ReferralSource.SCHOOL, agency_id="school"
            ),
            lambda: case_work.FamilySeen(family_id=name, worker_id="W-1"),
            lambda: case_work.LeadProfessionalAssigned(family_id=name, worker_id="W-1"),
        )
        return self._chance.choice(kinds)()

    def _record(self, fact: Event, at: datetime, *, backfill: bool) -> Record:
        self._number += 1
        key = fact.key
        assert key is not None  # every event of the load has a family or a person as its key
        envelope = {
            "specversion": "1.0",
            "id": self._event_id,
            "source": "/bench",
            "type": fact.type,
            "time": at,
            "authority": self._authority,
            "backfill": backfill,
            "data": fact,
        }
        return fact.topic, key.encode(), msgspec.json.encode(envelope)
