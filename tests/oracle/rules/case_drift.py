"""`case_drift`: nobody has reviewed or seen an open family for too long, or the family has no lead professional."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from streams.contracts.case_work import CaseClosed, CaseOpened, FamilySeen, LeadProfessionalAssigned, ReviewHeld
from tests.oracle.alert import Expected
from tests.oracle.clock import after_working_days
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


@dataclass(frozen=True)
class _Clock:
    """The event that began a clock, the clock's deadline, and the event that ended the clock."""

    begin: Fact
    deadline: datetime
    end: Fact | None

    def is_overdue(self, as_of: datetime) -> bool:
        return as_of > self.deadline and (self.end is None or self.end.at > self.deadline)


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when a clock passes its deadline.

    One clock runs since the last review or visit, or since the opening if there was none. The other clock runs from the
    opening until a lead professional is assigned. If both clocks began with the opening, they are one alert.

    Evidence: the event that opened the family, the event that began the clock, and, if the clock has ended, the event
    that ended it.
    """
    for family in world.families:
        for opening in world.of(CaseOpened, family_id=family):
            if world.before(opening).is_open(family):
                continue
            overdue = [clock for clock in _clocks(world, opening, profile) if clock.is_overdue(as_of)]
            for anchor in {clock.begin.root for clock in overdue}:
                clocks = [clock for clock in overdue if clock.begin.root == anchor]
                ends = [clock.end for clock in clocks if clock.end]
                deadline = min(clock.deadline for clock in clocks)
                yield Expected(
                    rule="case_drift",
                    entity_kind="family",
                    entity_id=family,
                    anchor=anchor,
                    anchored_at=deadline,
                    severity="amber",
                    status="cleared" if len(ends) == len(clocks) else "open",
                    evidence=frozenset({opening.root, anchor, *(end.root for end in ends)}),
                    deadline=deadline,
                )


def _clocks(world: World, opening: Fact, profile: Profile) -> Iterator[_Clock]:
    """
    The clocks of one opening.

    One clock runs from the opening to the next review or visit, and one from each review or visit to the next. Another
    clock runs from the opening to the assignment of a lead professional.
    """
    family = opening.data.family_id
    closing = _closing(world, opening)
    contacts = [each for each in world.of(ReviewHeld, FamilySeen, family_id=family) if _within(opening, each, closing)]
    begins, ends = [opening, *contacts], [*contacts, closing]
    for begin, end in zip(begins, ends, strict=True):
        yield _Clock(begin, begin.at + profile.drift, end)
    if not _has_lead(world.before(opening), family):
        leads = world.of(LeadProfessionalAssigned, family_id=family)
        lead = next((each for each in leads if _within(opening, each, closing)), closing)
        yield _Clock(opening, after_working_days(opening.at, profile.lead_working_days, profile), lead)


def _within(opening: Fact, fact: Fact, closing: Fact | None) -> bool:
    return fact.order > opening.order and (closing is None or fact.order < closing.order)


def _closing(world: World, opening: Fact) -> Fact | None:
    """The first event after an opening that leaves the family without an open case."""
    family = opening.data.family_id
    closed = [each for each in world.of(CaseClosed, family_id=family) if each.order > opening.order]
    return next((each for each in closed if not world.until(each).is_open(family)), None)


def _has_lead(before: World, family: str) -> bool:
    """Whether a lead professional was assigned before the family was opened and after the family was last closed."""
    closings = [_closing(before, each) for each in before.of(CaseOpened, family_id=family)]
    ended = max((each.order for each in closings if each), default=None)
    leads = before.of(LeadProfessionalAssigned, family_id=family)
    return any(ended is None or lead.order > ended for lead in leads)
