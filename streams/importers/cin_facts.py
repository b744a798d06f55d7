"""The facts that a census file tells about a child: their ids, names and times."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict

from streams.contracts.event import Event
from streams.importers.cin_fields import Reader
from streams.times import LONDON

__all__ = ["Child", "Episode", "Fact", "dated_fact", "next_number"]

_NOON = time(12, 0)

_ORDER = (
    "person", "joined", "referral", "decided", "allocated", "opened", "assessment", "section-47", "level-raised",
    "assessed", "review", "level-lowered", "closed",
)  # fmt: skip
"""
The order of facts that have the same day. The census gives no times, so each fact gets a time some seconds after noon
in London.
"""


@dataclass(frozen=True)
class Fact:
    """
    A fact about a child. Each fact about a child has its own `name`, which is the same in every file that contains the
    fact.
    """

    name: str
    day: date
    moment: datetime
    event: Event


class _EpisodeIds(TypedDict):
    referral_id: str
    family_id: str


@dataclass(frozen=True)
class Child:
    """The ids that a child has in events."""

    key: str
    ids_lea: str

    @property
    def person_id(self) -> str:
        """The id of the child as a person."""
        return f"{self.family_id}-1"

    @property
    def family_id(self) -> str:
        """The id of the child's family. In a census, each child is a family of its own."""
        return f"cin-{self.ids_lea}-{self.key}"


@dataclass(frozen=True)
class Episode:
    """One `CINdetails` group. Each episode of a child has its own `key`, even if two episodes begin on one day."""

    record: Reader
    child: Child
    referred: date
    number: int

    @property
    def key(self) -> str:
        """The first day of the episode, and its number among the episodes that begin on this day."""
        return f"{self.referred:%Y%m%d}-{self.number}"

    @property
    def referral_id(self) -> str:
        """The id of the referral that began the episode."""
        return f"{self.child.family_id}-{self.key}"

    @property
    def ids(self) -> _EpisodeIds:
        """The ids of the referral and of the family."""
        return {"referral_id": self.referral_id, "family_id": self.child.family_id}


def dated_fact(step: str, day: date, event: Event, *parts: object) -> Fact:
    """Make a fact with the time that the step has on its day. `parts` tell facts of one step and day apart."""
    name = "/".join([step, f"{day:%Y%m%d}", *map(str, parts)])
    moment = datetime.combine(day, _NOON, LONDON) + timedelta(seconds=_ORDER.index(step))
    return Fact(name, day, moment.astimezone(UTC), event)


def next_number(seen: Counter[tuple[str, date]], step: str, day: date) -> int:
    """Return the next number for facts of one kind on the same day. Facts are numbered in the order of the file."""
    seen[step, day] += 1
    return seen[step, day]
