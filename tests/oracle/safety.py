"""Random events about safeguarding duties: releases from custody, and schools that must be notified."""

import random
from datetime import datetime, timedelta

from streams import contracts as c
from streams.contracts import Event
from streams.contracts.codesets import EscalationKind
from tests.oracle.cast import Cast, Draw
from tests.oracle.clock import midnight
from tests.oracle.profile import DEFAULT
from tests.oracle.terms import next_school_day

__all__ = ["SAFETY", "due", "next_safety", "notified", "planned"]

_DAYS = (0, 1, 3, 4, 8, 10, 13, 14, 15, 16)
"""Days from a plan to the release: the thresholds of the rule, and days around them."""


def due(event: Event, at: datetime) -> list[datetime]:
    """
    The deadlines that an event sets.

    An incident sets the time by which a school must have been notified. A release plan sets the times at which the
    alert about the release begins, turns red and ends.
    """
    match event:
        case c.EscalationReported(escalation_kind=EscalationKind.DOMESTIC_ABUSE_INCIDENT):
            return [next_school_day(at, DEFAULT)]
        case c.CustodyReleasePlanned():
            days = (DEFAULT.release_days, DEFAULT.release_red_days, -1)
            days = [midnight(event.release_on - timedelta(days=before)) for before in days]
            return [day for day in days if day > at]
    return []


def next_safety(rng: random.Random, event: Event, at: datetime) -> tuple[timedelta, Event] | None:
    """
    Draw a later event that can change whether somebody must act on this event, and the gap between the two events.

    The later event usually happens at a deadline. The result is None if nobody has to act on this event.
    """
    gap = rng.choice([timedelta(hours=1), timedelta(days=2), *(moment - at for moment in due(event, at) * 2)])
    match event:
        case c.EscalationReported(escalation_kind=EscalationKind.DOMESTIC_ABUSE_INCIDENT):
            return gap, notified(rng, Cast((event.family_id,), ("P-0", "P-0", "P-1")), event.incident_id)
        case c.CustodyReleasePlanned():
            family, others = event.release_family_id or "F-0", {"P-0", "P-1", "P-2"} - {event.person_id}
            changes = (
                planned(rng, Cast((family,), (event.person_id,)).on(at + gap)),
                c.AddressChanged(family_id=family, address_id=rng.choice((event.address_id, "U-2", None))),
                c.HouseholdLeft(family_id=family, person_id=rng.choice(sorted(others))),
                c.HouseholdJoined(family_id=family, person_id=rng.choice(sorted(others)), household_role="child"),
            )
            return gap, rng.choices(changes, weights=(2, 2, 1, 1))[0]
    return None


def planned(rng: random.Random, cast: Cast) -> Event:
    """Draw a plan for a release within the next days: to an address, to a family, to both or to neither."""
    return c.CustodyReleasePlanned(
        person_id=rng.choice(cast.persons),
        release_on=cast.today + timedelta(days=rng.choice(_DAYS)),
        address_id=rng.choice((*cast.addresses, None)),
        release_family_id=rng.choice((rng.choice(cast.families), None)),
    )


def notified(rng: random.Random, cast: Cast, incident: str | None = None) -> Event:
    """A school is notified of an incident. If no incident is given, one of two incidents is drawn."""
    return c.SchoolNotified(
        family_id=rng.choice(cast.families),
        person_id=rng.choice(cast.persons),
        incident_id=incident or rng.choice(("I-1", "I-2")),
    )


SAFETY: dict[Draw, int] = {planned: 8, notified: 2}
"""Each kind of event with its weight."""
