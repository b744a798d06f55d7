"""Compare published figures with the figures of a simulated world, which are counted from its events alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from streams.contracts.case_work import AssessmentCompleted, AssessmentStarted
from streams.contracts.codesets import AssessmentKind, Decision, ServiceKind
from streams.contracts.referral import ReferralDecided, ReferralSubmitted
from streams.simulate.agencies import GROUPS
from streams.simulate.calibration import MONTHS, Calibration
from streams.simulate.facts import Fact
from streams.simulate.hours import day_of, months_later
from streams.simulate.world import World

__all__ = ["Figure", "compare"]

_STATUTORY = (AssessmentKind.CHILD_AND_FAMILY, AssessmentKind.SECTION_47)


@dataclass(frozen=True)
class Figure:
    """One figure of an authority. Shares are in percent."""

    authority: str
    name: str
    published: float
    """The published figure for a year. For a withheld figure, this is an estimate (see `calibrate`)."""
    simulated: float
    """The figure for the window of the simulated world."""


def compare(world: World) -> list[Figure]:
    """
    Compute each calibrated figure of each authority, published and simulated. The two are comparable only if the window
    is a year long.
    """
    figures = []
    for borough in world.boroughs:
        facts = [fact for fact in borough.facts if world.start <= fact.at < world.end]
        facts.sort(key=lambda fact: (fact.at, fact.id))
        measured = [*_referrals(facts, borough.calibration), *_assessments(facts, borough.calibration)]
        figures += [Figure(borough.slug, *row) for row in measured]
    return figures


def _referrals(facts: list[Fact], published: Calibration) -> Iterator[tuple[str, float, float]]:
    rows = [
        (fact.at, child, fact.data)
        for fact in facts
        if isinstance(fact.data, ReferralSubmitted) and fact.data.service_kind is ServiceKind.SOCIAL_CARE
        for child in fact.data.person_ids
    ]
    total = len(rows) or 1
    yield "children referred", published.referrals, len(rows)
    months = Counter(day_of(at).month for at, _, _ in rows)
    for number in (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3):
        yield f"in {MONTHS[number - 1]}", published.by_month[number], months[number]
    sources = Counter(data.source_code for _, _, data in rows)
    for group, codes in GROUPS.items():
        yield f"by {group}", published.by_source[group], sum(sources[code] for code in codes)
    yield "re-referrals, %", 100 * published.re_referral_share, 100 * _again(rows) / total
    decided = (fact.data for fact in facts if isinstance(fact.data, ReferralDecided))
    closed = {data.referral_id for data in decided if data.decision is Decision.NO_FURTHER_ACTION}
    nothing = sum(data.referral_id in closed for _, _, data in rows)
    yield "no further action, %", 100 * published.nfa_share, 100 * nothing / total
    needs = Counter(data.primary_need for _, _, data in rows)
    stock = sum(published.needs.values())
    for need, count in published.needs.items():
        yield f"primary need {need.value}, %", 100 * count / stock, 100 * needs[need] / total


def _again(rows: list[tuple[datetime, str, ReferralSubmitted]]) -> int:
    """Count the children's referrals that follow an earlier referral of the same child within 12 calendar months."""
    last: dict[str, datetime] = {}
    again = 0
    for at, child, _ in rows:
        again += child in last and day_of(last[child]) >= months_later(day_of(at), -12)
        last[child] = at
    return again


def _assessments(facts: list[Fact], published: Calibration) -> Iterator[tuple[str, float, float]]:
    """Yield how often assessments find each factor, and how long statutory assessments take."""
    completed = [(fact.at, fact.data) for fact in facts if isinstance(fact.data, AssessmentCompleted)]
    found = Counter(code for _, data in completed for code in data.factors)
    for code, share in published.factors.items():
        yield f"factor {code.value}, % of assessments", 100 * share, 100 * found[code] / (len(completed) or 1)
    begun = {
        fact.data.assessment_id: fact.at
        for fact in facts
        if isinstance(fact.data, AssessmentStarted) and fact.data.assessment_kind in _STATUTORY
    }
    taken = [
        (day_of(at) - day_of(begun[data.assessment_id])).days * 5 / 7
        for at, data in completed
        if data.assessment_id in begun
    ]
    stock = sum(weight for _, weight in published.durations)
    in_time = sum(weight for (_, last), weight in published.durations if last <= 45)
    within = sum(days <= 46 for days in taken)
    yield "assessed within 45 working days, %", 100 * in_time / stock, 100 * within / (len(taken) or 1)
