"""Follow-ups: outcome scores, and partners at meetings. Follow-ups must not change any other event of a seed."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from streams.contracts.case_people import HouseholdJoined, HouseholdLeft, PersonRecorded
from streams.contracts.case_work import AssessmentCompleted, CaseClosed, OutcomeRecorded, ReviewHeld, TafMeetingHeld
from streams.contracts.codesets import HouseholdRole, OutcomeFramework, OutcomeStage
from streams.simulate import Noise, World
from streams.simulate.facts import Fact
from streams.simulate.hours import day_of, months_later

SCHOOL_READINESS = OutcomeFramework.SCHOOL_READINESS
MEETINGS = (AssessmentCompleted, ReviewHeld, TafMeetingHeld)
STAGES = [OutcomeStage.BASELINE, OutcomeStage.REVIEW, OutcomeStage.CLOSURE, OutcomeStage.SUSTAINED]


@pytest.fixture(scope="module")
def outcomes(year: World) -> list[Fact]:
    return [fact for fact in year.facts if isinstance(fact.data, OutcomeRecorded)]


def test_all_seven_outcomes_of_school_readiness_are_scored(outcomes):
    assert {fact.data.outcome_number for fact in outcomes if fact.data.outcome_framework is SCHOOL_READINESS} == set(
        range(1, 8)
    )


def test_readiness_is_of_children_from_two_to_under_five_at_its_start(year, outcomes):
    born = {
        fact.data.person_id: fact.data.date_of_birth for fact in year.facts if isinstance(fact.data, PersonRecorded)
    }
    ages = [
        (day_of(fact.at) - born[fact.data.person_id]).days / 365.25
        for fact in outcomes
        if fact.data.outcome_framework is SCHOOL_READINESS and fact.data.outcome_stage is OutcomeStage.BASELINE
    ]

    assert ages
    assert min(ages) >= 2
    # The first score may come up to 14 days after the assessment.
    assert max(ages) < 5.1


def test_stages_of_an_outcome_follow_each_other(outcomes):
    scored: dict[tuple, list[OutcomeStage]] = defaultdict(list)
    for fact in sorted(outcomes, key=lambda fact: fact.at):
        if fact.data.outcome_framework is SCHOOL_READINESS:
            scored[fact.data.person_id, fact.data.outcome_number].append(fact.data.outcome_stage)
    once = [stages for stages in scored.values() if stages.count(OutcomeStage.BASELINE) == 1]

    assert once
    assert all(stages == [stage for stage in STAGES if stage in stages] for stages in once)
    # Not every outcome is scored at every stage.
    assert {len(stages) for stages in once} == {1, 2, 3, 4}


def test_sustained_is_scored_six_calendar_months_after_a_closure_or_soon_after(year, outcomes):
    closed: dict[str, list[date]] = defaultdict(list)
    for fact in year.facts:
        if isinstance(fact.data, CaseClosed):
            closed[fact.data.family_id].append(day_of(fact.at))
    sustained = [fact for fact in outcomes if fact.data.outcome_stage is OutcomeStage.SUSTAINED]

    def is_due(fact: Fact) -> bool:
        due = [months_later(day, 6) for day in closed[fact.data.family_id]]
        # The score comes up to four weeks after the six months, and then moves to the next working day.
        return any(day <= day_of(fact.at) <= day + timedelta(days=34) for day in due)

    assert {fact.data.outcome_framework for fact in sustained} == set(OutcomeFramework)
    assert all(is_due(fact) for fact in sustained)


def test_not_every_family_is_found_again(outcomes):
    followed = {
        stage: {fact.data.family_id for fact in outcomes if fact.data.outcome_stage is stage}
        for stage in (OutcomeStage.CLOSURE, OutcomeStage.SUSTAINED)
    }

    assert followed[OutcomeStage.SUSTAINED] < followed[OutcomeStage.CLOSURE]


def test_follow_ups_arrive_late_more_often_than_other_events(year):
    is_late: dict[bool, list[bool]] = {True: [], False: []}
    happened = {fact.id: fact.at for fact in year.facts}
    for record in year.records():
        if not record.story_id:
            event_id = record.value.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode()
            is_late[event_id.startswith("o-")].append(record.at - happened[event_id] > timedelta(hours=1))

    def share(of: list[bool]) -> float:
        return sum(of) / len(of)

    assert share(is_late[True]) > 4 * share(is_late[False])


def test_without_follow_ups_a_seed_sends_all_else_as_it_does_with_them(monkeypatch):
    window = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC)
    noise = Noise(late=0.1, malformed=0.01)
    with_them = World(7, ["E06000006"], *window, noise=noise)
    monkeypatch.setattr("streams.simulate.world.follow_up", lambda borough: [])
    without = World(7, ["E06000006"], *window, noise=noise)
    others = [record for record in with_them.records() if b'"id":"o-' not in record.value]

    assert list(without.records()) == others
    assert len(others) < len(list(with_them.records()))
    assert with_them.claims == without.claims


def test_partners_take_part_in_some_meetings_while_one_lives_there_and_in_no_others(year):
    joined = [
        fact
        for fact in year.facts
        if isinstance(fact.data, HouseholdJoined) and fact.data.household_role is HouseholdRole.PARTNER
    ]
    left = {fact.data.person_id: fact.at for fact in year.facts if isinstance(fact.data, HouseholdLeft)}

    def lives_there(meeting: Fact) -> bool:
        partners = [one for one in joined if one.data.family_id == meeting.data.family_id]
        return any(one.at < meeting.at <= left.get(one.data.person_id, meeting.at) for one in partners)

    meetings = [fact for fact in year.facts if isinstance(fact.data, MEETINGS) and not fact.is_planted]
    with_partner = [fact for fact in meetings if HouseholdRole.PARTNER in fact.data.participants]
    at_home = [fact for fact in meetings if lives_there(fact)]

    assert with_partner
    assert all(lives_there(fact) for fact in with_partner)
    assert 0.2 < len(with_partner) / len(at_home) < 0.4


def test_a_meeting_with_a_partner_is_otherwise_as_it_would_be_without(monkeypatch):
    window = datetime(2025, 10, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    with_them = World(7, ["E06000006"], *window).facts
    monkeypatch.setattr("streams.simulate.world.partners_take_part", lambda borough: None)
    without = World(7, ["E06000006"], *window).facts

    def alone(fact: Fact) -> Fact:
        if not isinstance(fact.data, MEETINGS):
            return fact
        others = [role for role in fact.data.participants if role is not HouseholdRole.PARTNER]
        return fact._replace(data=msgspec.structs.replace(fact.data, participants=others))

    assert with_them != without
    assert [alone(fact) for fact in with_them] == without
