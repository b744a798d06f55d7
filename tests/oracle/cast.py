"""The families, persons and addresses that occur in random events."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from streams.contracts import Event
from tests.oracle.clock import london_day

__all__ = ["Cast", "Draw", "referred"]


@dataclass(frozen=True)
class Cast:
    """The families, persons and addresses that occur in the events of one random world."""

    families: tuple[str, ...]
    persons: tuple[str, ...]
    addresses: tuple[str | None, ...] = ("U-1", "U-2", None)
    today: date = date(2026, 1, 5)

    @classmethod
    def drawn(cls, rng: random.Random) -> "Cast":
        """Draw two to four families and three to six persons. The first family gets the most events."""
        families = [f"F-{number}" for number in range(rng.randint(2, 4))]
        return cls(("F-0", "F-0", *families), tuple(f"P-{number}" for number in range(rng.randint(3, 6))))

    @classmethod
    def small(cls) -> "Cast":
        """One family that gets nearly all events, another family, and three persons."""
        return cls(("F-0", "F-0", "F-0", "F-1"), ("P-0", "P-1", "P-2"))

    @classmethod
    def of(cls, event: Event) -> "Cast":
        """The family and person of an event, so that another event drawn from this cast can have the same key."""
        family = getattr(event, "family_id", None) or "F-0"
        person = getattr(event, "person_id", None) or "P-0"
        return cls((family,), (person, "P-1" if person == "P-0" else "P-0"))

    def on(self, at: datetime) -> "Cast":
        """The same cast, with the London date of another time as today."""
        return replace(self, today=london_day(at))


Draw = Callable[[random.Random, Cast], Event]
"""A function that makes up one kind of event."""


def referred(rng: random.Random, cast: Cast) -> dict:
    """
    Draw a referral of one of the families.

    There are only a few referral ids, so that several events are about the same referral. Sometimes two families use
    the same referral id.
    """
    family, number = rng.choice(cast.families), rng.randint(1, 4)
    return {"referral_id": rng.choice((f"R-{number}-{family}",) * 3 + (f"R-{number}",)), "family_id": family}
