"""Random events about the work that practitioners do for a family, and the deadlines of that work."""

import random
from datetime import datetime, timedelta

from streams import contracts as c
from streams.contracts import Event
from streams.contracts.codesets import Decision, ServiceKind, SharingBasis
from tests.oracle.cast import Cast, Draw, referred
from tests.oracle.clock import after_working_days
from tests.oracle.profile import DEFAULT

__all__ = ["OF_CASES", "OF_REFERRALS", "OF_SERVICES", "WORK", "clock", "deadlines", "next_work"]

_SERVICES = (ServiceKind.CAMHS, ServiceKind.PARENTING, ServiceKind.DOMESTIC_ABUSE)
_ON_CONSENT = (SharingBasis.CONSENT, SharingBasis.CONSENT)
"""Extra weight for consent when a basis is drawn, so that most sharing events claim consent as their basis."""


def deadlines(event: Event, at: datetime) -> list[datetime]:
    """The deadlines that an event sets."""
    match event:
        case c.ReferralSubmitted():
            return [at + DEFAULT.front_door_amber, at + DEFAULT.front_door_red]
        case c.ReferralDecided(decision=Decision.MASH):
            return [at + DEFAULT.mash_amber, at + DEFAULT.mash_red]
        case c.ServiceRequested():
            return [at + DEFAULT.waiting(event.service_kind)]
        case c.CaseOpened():
            return [at + DEFAULT.drift, after_working_days(at, DEFAULT.lead_working_days, DEFAULT)]
        case c.FamilySeen() | c.ReviewHeld():
            return [at + DEFAULT.drift]
    return []


def clock(rng: random.Random, cast: Cast) -> Event:
    """An event that starts a time limit."""
    decided = c.ReferralDecided(**referred(rng, cast), decision=Decision.MASH)
    return rng.choice((decided, _requested(rng, cast), _visited(rng, cast)))


def next_work(rng: random.Random, event: Event, at: datetime) -> tuple[timedelta, Event] | None:
    """
    Draw the next step of a worker after an event, and the gap between the two. None if no step follows.

    The next step usually happens when it is due.
    """
    family = Cast((event.family_id,), ()) if getattr(event, "family_id", None) else None
    late = rng.choice((timedelta(0), timedelta(0), timedelta(hours=1)))
    due = rng.choice([timedelta(0), *(deadline - at + late for deadline in deadlines(event, at) * 3)])
    match event:
        case c.ReferralDecided(decision=Decision.MASH):
            again = rng.choice((event, None, None, None))
            return due, again or _same(c.ReferralAllocated, event, service_id="social-care")
        case c.ReferralAllocated():
            return timedelta(hours=rng.choice((0, 1))), _same(c.ReferralDecided, event, decision=Decision.MASH)
        case c.ServiceRequested():
            return due, _answered_request(rng, family, event.service_request_id)
        case c.CaseOpened():
            closed = _same(c.CaseClosed, event, closure_reason="RC7")
            return due, rng.choice((_led(rng, family), _led(rng, family), _visited(rng, family), closed))
        case c.CaseClosed():
            opened = _same(c.CaseOpened, event, service_id="family-support")
            return timedelta(days=rng.choice((0, 1))), rng.choice((opened, opened, _led(rng, family)))
        case c.LeadProfessionalAssigned():
            case_id = f"K-{rng.randint(1, 2)}-{event.family_id}"
            return timedelta(days=1), c.CaseClosed(case_id=case_id, family_id=event.family_id, closure_reason="RC7")
        case c.FamilySeen() | c.ReviewHeld():
            return due, _visited(rng, family)
        case c.ConsentGiven() | c.ConsentRefused() | c.ConsentWithdrawn():
            return timedelta(hours=rng.choice((0, 1))), _shared(rng, family, _ON_CONSENT)
        case c.InformationShared():
            return timedelta(hours=rng.choice((0, 1))), _answered(rng, family)
    return None


def _same(kind: type[Event], event: Event, **fields: object) -> Event:
    """An event about the same referral or case as the given event."""
    names = ("family_id", "referral_id" if kind.topic == c.ReferralDecided.topic else "case_id")
    return kind(**{name: getattr(event, name) for name in names}, **fields)


def _allocated(rng: random.Random, cast: Cast) -> Event:
    return c.ReferralAllocated(**referred(rng, cast), service_id="social-care")


def _led(rng: random.Random, cast: Cast) -> Event:
    return c.LeadProfessionalAssigned(family_id=rng.choice(cast.families), worker_id="W-1")


def _visited(rng: random.Random, cast: Cast) -> Event:
    family = rng.choice(cast.families)
    seen, reviewed = c.FamilySeen(family_id=family), c.ReviewHeld(review_id="V-1", family_id=family)
    return rng.choice((seen, seen, reviewed, reviewed, c.TafMeetingHeld(meeting_id="T-1", family_id=family)))


def _requested(rng: random.Random, cast: Cast) -> Event:
    family, kind = rng.choice(cast.families), rng.choice(_SERVICES)
    request = {"service_request_id": _request_id(rng, family), "family_id": family}
    return c.ServiceRequested(**request, service_id=f"{kind}-1", service_kind=kind)


def _answered_request(rng: random.Random, cast: Cast, request_id: str | None = None) -> Event:
    family = rng.choice(cast.families)
    about = {"service_request_id": request_id or _request_id(rng, family), "family_id": family}
    kind = rng.choice((c.ServiceStarted, c.ServiceDeclined, c.ServiceCancelled, c.ServiceEnded))
    return kind(**about) if kind is c.ServiceStarted else kind(**about, end_reason="no_capacity")


def _request_id(rng: random.Random, family: str) -> str:
    return f"Q-{rng.randint(1, 3)}-{family}"


def _answered(rng: random.Random, cast: Cast) -> Event:
    answer = rng.choice((c.ConsentGiven, c.ConsentRefused, c.ConsentWithdrawn))
    scope = rng.choice(("receive_help", "share_information"))
    return answer(family_id=rng.choice(cast.families), consent_scope=scope)


def _shared(rng: random.Random, cast: Cast, bases: tuple[SharingBasis, ...] = tuple(SharingBasis)) -> Event:
    return c.InformationShared(
        sharing_id="S-1",
        family_id=rng.choice(cast.families),
        agency_id="gp-1",
        information_kinds=["level_of_need"],
        sharing_purpose="early_help",
        sharing_basis=rng.choice((*bases, *_ON_CONSENT)),
    )


WORK: dict[Draw, int] = {
    _allocated: 3,
    _led: 2,
    _visited: 5,
    _requested: 4,
    _answered_request: 3,
    _answered: 3,
    _shared: 4,
}
"""Each kind of event with its weight."""

OF_CASES: tuple[Draw, ...] = (_led, _visited)
"""What workers do for an open family."""

OF_REFERRALS: tuple[Draw, ...] = (_allocated,)
"""What workers do with a referral that the front door has decided on."""

OF_SERVICES: tuple[Draw, ...] = (_requested, _answered_request, _answered, _shared)
"""Service requests and their answers, consents, and information that is shared."""
