"""
Add later outcome scores, and let parents' partners attend meetings. This is done after all other events are made.

The scores rate children's school readiness, and how well families are doing six months after closure. The scores have
their own ids, and everything in this module has its own random numbers. So all other events of a seed are the same with
and without this step. The shares and scores are invented.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random

import msgspec

from streams.contracts.case_people import HouseholdJoined, HouseholdLeft
from streams.contracts.case_work import AssessmentCompleted, OutcomeRecorded, ReviewHeld, TafMeetingHeld
from streams.contracts.codesets import HouseholdRole, OutcomeFramework, OutcomeStage
from streams.simulate.borough import Borough, Helped
from streams.simulate.facts import Fact, system_of
from streams.simulate.hours import day_of, months_later, working_moment
from streams.simulate.population import Person

__all__ = ["follow_up", "partners_take_part"]

_AGES = (2, 5)
"""School readiness is scored for children between their second and fifth birthdays."""
_AGREED = 0.7
"""
Share of the children aged 2 to 4 whose school readiness is scored. For the others, agencies do not share the
information.
"""
_OUTCOMES = range(1, 8)
_REVIEWED, _AT_CLOSURE, _FOUND_AGAIN = 0.5, 0.8, 0.6
"""Shares of outcomes that are scored at a review, at closure, and again six months after closure."""
_SUSTAINED_AFTER = 6
_CHANGE = {-1: 12, 0: 30, 1: 30, 2: 20, 3: 8}
"""Possible changes of a score between two stages of help, each with its weight."""
_CHANGE_AFTER = {-3: 4, -2: 10, -1: 16, 0: 44, 1: 18, 2: 8}
"""Possible changes of a score in the six months after closure, each with its weight."""
_MEETINGS = (AssessmentCompleted, ReviewHeld, TafMeetingHeld)
_PARTNER_COMES = 0.3
"""Share of meetings that a parent's partner attends. Step-parents attend the same share."""
_FOREVER = datetime.max.replace(tzinfo=UTC)


def follow_up(borough: Borough) -> list[Fact]:
    """
    Make the later scores of all families that early help has helped. Some of these scores come after the
    borough's end.
    """
    facts = []
    for helped in borough.helped:
        # The case id contains the world's tag, so each world has its own random numbers.
        rng = Random(f"follow-up of {helped.case_id}")
        for at, data in (*_readiness(helped, rng), *_family_after(helped, rng)):
            source = system_of(borough.slug, data.topic)
            facts.append(Fact(at, source, borough.ids.new("o"), borough.authority, data.topic, data, data.family_id))
    return facts


def partners_take_part(borough: Borough) -> None:
    """Add a parent's partner to some of the meetings that are held while the partner lives in the household."""
    left = {fact.data.person_id: fact.at for fact in borough.facts if isinstance(fact.data, HouseholdLeft)}
    stays: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for fact in borough.facts:
        if isinstance(fact.data, HouseholdJoined) and fact.data.household_role is HouseholdRole.PARTNER:
            stays[fact.data.family_id].append((fact.at, left.get(fact.data.person_id, _FOREVER)))
    for number, fact in enumerate(borough.facts):
        if not isinstance(fact.data, _MEETINGS) or Random(f"partner at {fact.id}").random() >= _PARTNER_COMES:
            continue
        if any(joined_at < fact.at < left_at for joined_at, left_at in stays[fact.data.family_id]):
            who = sorted([*fact.data.participants, HouseholdRole.PARTNER])
            borough.facts[number] = fact._replace(data=msgspec.structs.replace(fact.data, participants=who))


def _readiness(helped: Helped, rng: Random) -> Iterator[tuple[datetime, OutcomeRecorded]]:
    """
    Yield the school readiness scores of a family's young children. Some children are not scored, and each of the others
    is scored in three to seven of the seven outcomes.
    """
    for child in helped.family.children:
        if not _is_small(child, day_of(helped.assessed_at)) or rng.random() >= _AGREED:
            continue
        for number in sorted(rng.sample(_OUTCOMES, rng.randint(3, 7))):
            score = rng.randint(2, 6)
            for at, stage in _stages(helped, rng):
                data = OutcomeRecorded(
                    family_id=helped.family.id,
                    outcome_framework=OutcomeFramework.SCHOOL_READINESS,
                    outcome_number=number,
                    outcome_stage=stage,
                    score=score,
                    person_id=child.id,
                )
                yield at, data
                score = _moved(score, _CHANGE_AFTER if stage is OutcomeStage.CLOSURE else _CHANGE, rng)


def _stages(helped: Helped, rng: Random) -> Iterator[tuple[datetime, OutcomeStage]]:
    """Yield the times and stages at which an outcome is scored. Not every outcome is scored at every stage."""
    yield _on(helped.assessed_at + timedelta(days=rng.randint(0, 14)), rng), OutcomeStage.BASELINE
    if rng.random() < _REVIEWED:
        yield _on(helped.assessed_at + (helped.closed_at - helped.assessed_at) / 2, rng), OutcomeStage.REVIEW
    if rng.random() < _AT_CLOSURE:
        last = helped.closed_at - timedelta(hours=rng.randint(3, 72))
        yield last, OutcomeStage.CLOSURE
        if rng.random() < _FOUND_AGAIN:
            yield _six_months_after(helped, rng), OutcomeStage.SUSTAINED


def _family_after(helped: Helped, rng: Random) -> Iterator[tuple[datetime, OutcomeRecorded]]:
    """
    Yield a family's scores six months after closure. All scores have the same time. Some families are not
    scored again.
    """
    if rng.random() >= _FOUND_AGAIN:
        return
    at = _six_months_after(helped, rng)
    for number, score in helped.scores.items():
        data = OutcomeRecorded(
            family_id=helped.family.id,
            outcome_framework=OutcomeFramework.SUPPORTING_FAMILIES,
            outcome_number=number,
            outcome_stage=OutcomeStage.SUSTAINED,
            score=_moved(score, _CHANGE_AFTER, rng),
        )
        yield at, data


def _is_small(child: Person, day: date) -> bool:
    if child.born is None:
        return False
    youngest, oldest = _AGES
    return months_later(child.born, 12 * youngest) <= day < months_later(child.born, 12 * oldest)


def _six_months_after(helped: Helped, rng: Random) -> datetime:
    """Draw a time in working hours, between six calendar months and six months and four weeks after closure."""
    due = months_later(day_of(helped.closed_at), _SUSTAINED_AFTER)
    return working_moment(rng, due + timedelta(days=rng.randint(0, 28)))


def _on(at: datetime, rng: Random) -> datetime:
    return working_moment(rng, day_of(at))


def _moved(score: int, change: dict[int, int], rng: Random) -> int:
    """Draw the next score, which is between 0 and 10."""
    return max(0, min(10, score + rng.choices(tuple(change), tuple(change.values()))[0]))
