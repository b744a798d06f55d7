"""
Make the events that a front door and a case system would have sent in an imagined year.

No event says whether a referral is a re-referral, which group its source belongs to, or whether the referral counts.
The models must find that out. Some events are sent twice, corrected or withdrawn. Some children have a second person id
in another family. On some referrals, the emergency duty team decides first. The request, the decision or the allocation
shows that a referral is for social care.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

import msgspec

from streams.contracts import (
    AssessmentCompleted,
    AssessmentStarted,
    CaseClosed,
    CaseOpened,
    Correction,
    PersonsLinked,
    ReferralAllocated,
    ReferralDecided,
    ReferralSubmitted,
    Withdrawal,
)
from streams.contracts import codesets as c
from streams.contracts.event import Event
from streams.dfe_check.world import History, Referral
from streams.simulate.facts import Fact, Record, encode, system_of

__all__ = ["records"]

_CODES = {
    "Individual": ("1A", "1B", "1C", "1D"),
    "Schools": ("2A",),
    "Education_Services": ("2B",),
    "Health_Services": ("3A", "3B", "3C", "3D", "3E", "3F"),
    "Housing": ("4",),
    "LA_Services": ("5A", "5B", "5C", "5D"),
    "Police": ("6",),
    "Other_legal_agency": ("7",),
    "Other": ("8",),
    "Anonymous": ("9",),
    "Unknown": ("10",),
}
_WAYS = 3
"""The number of places that can show that a referral is for social care: its request, decision and allocation."""
_SECOND_IDENTIFIER, _TWICE, _CORRECTED, _EDT_FIRST = 5, 50, 40, 8
"""How rare each case is: one in this number of children, records or referrals."""
_SERVICE = "children-social-care"


def records(authority: str, history: History) -> list[Record]:
    """
    Make the records of an authority's year and of the time before it, in time order.

    At the end, one record in fifty is sent again.
    """
    author = _Author(authority)
    facts = list(author.facts(history))
    facts.sort(key=lambda fact: fact.at.timestamp())
    found = [encode(fact, backfill=True) for fact in facts]
    return found + found[::_TWICE]


class _Author:
    """Makes the facts of one authority, with their ids and times."""

    def __init__(self, authority: str) -> None:
        self._authority = authority
        self._referrals = self._facts = 0
        self._known: set[int] = set()
        """Children who have appeared in an earlier referral."""

    def facts(self, history: History) -> Iterator[Fact]:
        """
        Yield all facts. The facts of the referrals come first, in time order. Children who are referred at the same
        time share a referral.
        """
        told = sorted(history.earlier + history.too_early + history.year, key=_instant)
        for _, together in groupby(told, key=_instant):
            yield from self._referral(list(together))
        for one in history.early_help:
            yield from self._early_help(one)
        if history.year:
            yield from self._withdrawn(history.year[0])

    def _referral(self, children: list[Referral]) -> Iterator[Fact]:
        one, number = children[0], self._next()
        moved = one.child % _SECOND_IDENTIFIER == 0 and one.child in self._known
        family = f"F-{one.child}{'-new' if moved else ''}"
        persons = [f"P-{child.child}{'-new' if moved else ''}" for child in children]
        if moved:
            yield self._fact(
                one.at,
                PersonsLinked(
                    person_id=persons[0], linked_person_id=f"P-{one.child}", link_basis=c.LinkBasis.SAME_NUMBER
                ),
                persons[0],
            )
        self._known.update(child.child for child in children)
        yield from self._submitted(one, number, family, persons)
        yield from self._decided(one, number, family)
        if one.outcome != "nfa":
            yield from self._case(one, number, family)

    def _submitted(self, one: Referral, number: int, family: str, persons: list[str]) -> Iterator[Fact]:
        """
        Yield the request of a referral.

        Some requests have a wrong source and time at first, and are then corrected.
        """
        codes = _CODES[one.source]
        is_asked = one.outcome == "nfa" or number % _WAYS == 0
        asked = ReferralSubmitted(
            referral_id=f"R-{number}",
            family_id=family,
            source_code=c.ReferralSource(codes[number % len(codes)]),
            severity=c.Severity.AMBER,
            person_ids=persons,
            consent=c.Consent.GIVEN,
            service_kind=c.ServiceKind.SOCIAL_CARE if is_asked else None,
        )
        if number % _CORRECTED:
            yield self._fact(one.at, asked, family)
            return
        mistaken = msgspec.structs.replace(asked, source_code=c.ReferralSource("6" if one.source != "Police" else "4"))
        first = self._fact(one.at - timedelta(days=400), mistaken, family)
        yield first
        yield self._amendment(
            first,
            Correction(
                root_source=first.source,
                root_id=first.id,
                withdrawal_reason=c.WithdrawalReason.MORE_ACCURATE,
                replaced_type=first.type,
                replaced_time=one.at,
                replacement=msgspec.Raw(msgspec.json.encode(asked)),
            ),
            one.at + timedelta(days=1),
        )

    def _decided(self, one: Referral, number: int, family: str) -> Iterator[Fact]:
        decision = c.Decision.NO_FURTHER_ACTION
        if one.outcome != "nfa":
            decision = c.Decision.MASH if number % _WAYS == 1 else c.Decision.ROUTED_TO_OPEN_SERVICE
        decisions = [c.Decision.EDT, decision] if number % _EDT_FIRST == 0 else [decision]
        for hours, made in enumerate(decisions, 1):
            data = ReferralDecided(referral_id=f"R-{number}", family_id=family, decision=made)
            yield self._fact(one.at + timedelta(hours=hours), data, family)

    def _case(self, one: Referral, number: int, family: str) -> Iterator[Fact]:
        """
        Yield the case of a referral that is taken on. If the child is not in need, the case has an assessment and is
        then closed.
        """
        case, referral, kind = f"K-{number}", f"R-{number}", c.ServiceKind.SOCIAL_CARE
        allocated = ReferralAllocated(referral_id=referral, family_id=family, service_id=_SERVICE, service_kind=kind)
        opened = CaseOpened(
            case_id=case, family_id=family, service_id=_SERVICE, service_kind=kind, referral_id=referral
        )
        told: list[tuple[int, Event]] = [(1, opened)]
        if number % _WAYS == _WAYS - 1:
            told.append((1, allocated))
        assessed = c.AssessmentKind.CHILD_AND_FAMILY
        started = AssessmentStarted(
            assessment_id=f"A-{number}", family_id=family, assessment_kind=assessed, referral_id=referral
        )
        reason = c.ClosureReason.NO_LONGER_IN_NEED
        if one.outcome == "not_in_need":
            completed = AssessmentCompleted(assessment_id=f"A-{number}", family_id=family)
            told += [(2, started), (12, completed)]
            endings = c.ClosureReason.ASSESSED_NO_ACTION, c.ClosureReason.ASSESSED_EARLY_HELP
            reason = endings[number % 2]
        if one.outcome == "not_in_need" or number % 2:
            told.append((14, CaseClosed(case_id=case, family_id=family, closure_reason=reason)))
        for days, data in told:
            yield self._fact(one.at + timedelta(days=days), data, family)

    def _early_help(self, one: Referral) -> Iterator[Fact]:
        number, family = self._next(), f"F-{one.child}"
        asked = ReferralSubmitted(
            referral_id=f"R-{number}",
            family_id=family,
            source_code=c.ReferralSource(_CODES[one.source][0]),
            severity=c.Severity.GREEN,
            person_ids=[f"P-{one.child}"],
            service_kind=c.ServiceKind.EARLY_HELP,
        )
        decided = ReferralDecided(referral_id=f"R-{number}", family_id=family, decision=c.Decision.EARLY_HELP)
        yield self._fact(one.at, asked, family)
        yield self._fact(one.at + timedelta(hours=1), decided, family)

    def _withdrawn(self, like: Referral) -> Iterator[Fact]:
        """
        Yield a referral that was recorded in error, and its withdrawal. The referred child does not occur in the
        history.
        """
        first, *_ = self._submitted(like, _CORRECTED * self._next() + 1, "F-nobody", ["P-nobody"])
        yield first
        yield self._amendment(
            first,
            Withdrawal(
                root_source=first.source,
                root_id=first.id,
                withdrawal_reason=c.WithdrawalReason.RECORDED_IN_ERROR,
                family_id="F-nobody",
            ),
            like.at + timedelta(days=3),
        )

    def _fact(self, at: datetime, data: Event, key: str) -> Fact:
        source = system_of(self._authority, data.topic)
        return Fact(at, source, self._id(), self._authority, data.topic, data, key)

    def _amendment(self, first: Fact, data: Correction | Withdrawal, at: datetime) -> Fact:
        return first._replace(at=at, id=self._id(), data=data)

    def _id(self) -> str:
        self._facts += 1
        return f"e-{self._facts}"

    def _next(self) -> int:
        self._referrals += 1
        return self._referrals


_instant = attrgetter("at")
