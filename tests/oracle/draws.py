"""Random events about a few families, persons and addresses."""

import random
from datetime import UTC, date, datetime, timedelta

from streams import contracts as c
from streams.contracts import Event
from streams.contracts.codesets import Consent, ConsentReason, Decision, HouseholdRole
from tests.oracle.cast import Cast, Draw, referred
from tests.oracle.safety import SAFETY, next_safety, notified, planned
from tests.oracle.work import OF_CASES, OF_REFERRALS, OF_SERVICES, WORK, next_work

__all__ = ["draw", "drawn_of", "opening", "sequel", "submitted"]

_AGENCIES = (None, "school-1", "gp-1", "police-1")
_SOURCES = ("1A", "1D", "2A", "3A", "6", "9")
_INCIDENTS = (None, None, "I-1", "I-2")
_ESCALATIONS = ("abusive_adult_returned", "abusive_adult_returned", "child_missing", *["domestic_abuse_incident"] * 2)
_LSOAS = {"U-1": "E01007119", "U-2": "E01007203"}
"""The LSOAs of the addresses: one lies in Birkenhead, and one in Wallasey. An address without an id is protected."""
_EXPIRES = datetime(2025, 1, 1, tzinfo=UTC)


def opening(rng: random.Random) -> list[Event]:
    """
    The events with which a random world begins.

    The events put a child into the first family, set a risk marker on another person, and may bring that person to the
    family.
    """
    family = Cast(("F-0",), ("P-1",))
    child = c.HouseholdJoined(family_id="F-0", person_id="P-0", household_role=HouseholdRole.CHILD)
    return [child, _marked(rng, family), rng.choice((_joined, _escalated, _person_moved))(rng, family)]


def draw(rng: random.Random, cast: Cast) -> Event:
    """Draw one event of any kind."""
    return rng.choices(list(_DRAWS), weights=list(_DRAWS.values()))[0](rng, cast)


def drawn_of(rng: random.Random) -> Draw:
    """Return a function that draws events of a few related kinds."""
    kinds = rng.choice(_THEMES)
    return lambda rng, cast: rng.choice(kinds)(rng, cast)


def _joined(rng: random.Random, cast: Cast) -> Event:
    roles = (HouseholdRole.CHILD, HouseholdRole.CHILD, HouseholdRole.UNBORN, HouseholdRole.PARTNER)
    return c.HouseholdJoined(
        family_id=rng.choice(cast.families), person_id=rng.choice(cast.persons), household_role=rng.choice(roles)
    )


def _left(rng: random.Random, cast: Cast) -> Event:
    return c.HouseholdLeft(family_id=rng.choice(cast.families), person_id=rng.choice(cast.persons))


def _recorded(rng: random.Random, cast: Cast) -> Event:
    nearly_adult = date(2007, 1, 1) + timedelta(days=rng.randrange(900))
    nearly_pupil = date(rng.choice((2020, 2021)), 9, 1) + timedelta(days=rng.randrange(-3, 3))
    born = rng.choice((nearly_adult, nearly_adult, nearly_pupil))
    return c.PersonRecorded(
        person_id=rng.choice(cast.persons),
        date_of_birth=rng.choice((born, born, date(1990, 5, 5), None)),
        due_date=rng.choice((None, date(2026, 6, 1))),
        died_on=rng.choice((None, None, None, date(2025, 12, 1))),
    )


def _linked(rng: random.Random, cast: Cast) -> Event:
    one, other = rng.sample(cast.persons, 2)
    return c.PersonsLinked(person_id=one, linked_person_id=other, link_basis="same_number")


def _family_moved(rng: random.Random, cast: Cast) -> Event:
    family, address = rng.choice(cast.families), rng.choice(cast.addresses)
    lsoa = _LSOAS.get(address or "")
    return c.AddressChanged(family_id=family, address_id=address, lsoa_code=lsoa, is_address_protected=address is None)


def _person_moved(rng: random.Random, cast: Cast) -> Event:
    return c.AddressChanged(person_id=rng.choice(cast.persons), address_id=rng.choice(cast.addresses))


def _marked(rng: random.Random, cast: Cast) -> Event:
    return c.RiskMarkerSet(
        marker_id=rng.choice(("M-1", "M-2")),
        person_id=rng.choice(cast.persons),
        marker_kind="domestic_abuse",
        marker_role=rng.choice(("source_of_risk", "source_of_risk", "source_of_risk", "victim")),
        marker_basis="alleged",
        marker_families=sorted(set(rng.choices(cast.families, k=rng.randint(0, 2)))),
        expires_at=_expiry(rng),
    )


def _reviewed(rng: random.Random, cast: Cast) -> Event:
    return c.RiskMarkerReviewed(
        marker_id=rng.choice(("M-1", "M-2")), person_id=rng.choice(cast.persons), expires_at=_expiry(rng)
    )


def _expiry(rng: random.Random) -> datetime | None:
    return rng.choice((None, None, _EXPIRES + timedelta(days=rng.randrange(900))))


def _cleared(rng: random.Random, cast: Cast) -> Event:
    return c.RiskMarkerCleared(
        marker_id=rng.choice(("M-1", "M-2")), person_id=rng.choice(cast.persons), clearing_reason="no_longer_a_risk"
    )


def _level(rng: random.Random, cast: Cast) -> Event:
    reason = rng.choice(("incident", "to_access_provision"))
    return c.LevelChanged(family_id=rng.choice(cast.families), level=rng.randint(1, 4), level_reason=reason)


def _opened(rng: random.Random, cast: Cast) -> Event:
    family = rng.choice(cast.families)
    return c.CaseOpened(case_id=f"K-{rng.randint(1, 2)}-{family}", family_id=family, service_id="family-support")


def _closed(rng: random.Random, cast: Cast) -> Event:
    family = rng.choice(cast.families)
    return c.CaseClosed(
        case_id=f"K-{rng.randint(1, 2)}-{family}", family_id=family, closure_reason=rng.choice(("RC7", "RC7", "RC5"))
    )


def _contact(rng: random.Random, cast: Cast) -> Event:
    return c.ContactRecorded(contact_id="C-1", family_id=rng.choice(cast.families), **_report(rng))


def submitted(rng: random.Random, cast: Cast) -> Event:
    """A referral, with any of the possible answers to the consent question."""
    return c.ReferralSubmitted(
        **referred(rng, cast),
        **_report(rng),
        severity=rng.choice(("red", "amber", "amber", "green")),
        consent=rng.choice(list(Consent)),
        consent_reason=rng.choice((None, ConsentReason.RISK_OF_HARM)),
    )


def _decided(rng: random.Random, cast: Cast) -> Event:
    return c.ReferralDecided(**referred(rng, cast), decision=rng.choice(list(Decision)))


def _assessed(rng: random.Random, cast: Cast) -> Event:
    about = referred(rng, cast)
    if rng.random() < 0.5:
        about.pop("referral_id")
    return c.AssessmentStarted(assessment_id="A-1", assessment_kind="caf", **about)


def _completed(rng: random.Random, cast: Cast) -> Event:
    factors = rng.choice(([], ["20"], ["21"], ["16A", "20"]))
    return c.AssessmentCompleted(assessment_id="A-1", family_id=rng.choice(cast.families), factors=factors)


def _escalated(rng: random.Random, cast: Cast) -> Event:
    return c.EscalationReported(
        escalation_id="X-1",
        family_id=rng.choice(cast.families),
        escalation_kind=rng.choice(_ESCALATIONS),
        severity=rng.choice(("red", "red", "amber")),
        person_ids=sorted(set(rng.choices(cast.persons, k=rng.randint(0, 2)))),
        **_report(rng),
    )


def _report(rng: random.Random) -> dict:
    return {
        "source_code": rng.choice(_SOURCES),
        "agency_id": rng.choice(_AGENCIES),
        "incident_id": rng.choice(_INCIDENTS),
    }


def sequel(rng: random.Random, event: Event, at: datetime) -> tuple[timedelta, Event]:
    """
    Draw an event that may follow another event about the same family or person.

    The returned gap between the two events is a time at which the result of a rule can change.
    """
    if rng.random() < 0.7 and (follows := next_work(rng, event, at)):
        return follows
    if rng.random() < 0.7 and (follows := next_safety(rng, event, at)):
        return follows
    family, person = getattr(event, "family_id", None), getattr(event, "person_id", None)
    match event:
        case c.ReferralSubmitted() if rng.random() < 0.7:
            decision = rng.choice((*Decision, Decision.MASH, Decision.MASH, Decision.NO_FURTHER_ACTION))
            hours = rng.choice((3, 18, 18, 20, 24))
            decided = c.ReferralDecided(referral_id=event.referral_id, family_id=family, decision=decision)
            return timedelta(hours=hours), decided
        case c.ReferralSubmitted():
            return timedelta(days=365), submitted(rng, Cast((family,), ()))
        case c.LevelChanged():
            changes = rng.choice((_level, _level, _opened, _closed))
            return timedelta(days=rng.choice((1, 30))), changes(rng, Cast((family,), ()))
        case c.AddressChanged():
            other = {"person_id": "P-1"} if family else {"family_id": "F-0"}
            return timedelta(days=1), c.AddressChanged(address_id=event.address_id, **other)
        case c.RiskMarkerSet():
            families = tuple(event.marker_families) or ("F-0",)
            comes = rng.choice((_joined, _joined, _escalated, _left))
            return timedelta(days=rng.choice((1, 30))), comes(rng, Cast(families, (person, "P-0")))
        case c.HouseholdJoined():
            leaves = rng.choice((_left, _joined, _marked))
            return timedelta(days=rng.choice((0, 3))), leaves(rng, Cast((family,), (person,)))
    again = Cast((family or "F-0",), (person or "P-0", "P-1"))
    return timedelta(days=rng.choice((0, 7, 90))), rng.choice((_contact, submitted, _escalated))(rng, again)


_DRAWS: dict[Draw, int] = {
    _joined: 8,
    _left: 3,
    _recorded: 2,
    _linked: 1,
    _family_moved: 2,
    _person_moved: 2,
    _marked: 4,
    _reviewed: 1,
    _cleared: 1,
    _level: 8,
    _opened: 4,
    _closed: 2,
    _contact: 5,
    submitted: 7,
    _decided: 9,
    _assessed: 1,
    _completed: 1,
    _escalated: 4,
    **WORK,
    **SAFETY,
}
"""Each kind of event with its weight."""

_THEMES: tuple[tuple[Draw, ...], ...] = (
    (_opened, _closed, *OF_CASES),
    (_opened, _closed, _level, _completed, submitted),
    (submitted, _decided, *OF_REFERRALS, _contact, _assessed, _escalated),
    (_joined, _left, _family_moved, _person_moved, _marked, _reviewed, _cleared, _recorded, _linked),
    (_joined, _left, _family_moved, _recorded, _linked, planned, notified, _escalated),
    OF_SERVICES,
)
