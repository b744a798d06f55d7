"""Tests of the oracle on the rules that were added after the first rules, one test for each sentence."""

from datetime import UTC, datetime

import pytest

from streams.contracts import (
    AssessmentCompleted,
    CaseClosed,
    ContactRecorded,
    HouseholdJoined,
    LevelChanged,
    ReferralDecided,
    ReferralSubmitted,
    RiskMarkerSet,
)


def joined(person, family="F-1", role="partner"):
    return HouseholdJoined(family_id=family, person_id=person, household_role=role)


def marker(*families, number=1):
    return RiskMarkerSet(
        marker_id=f"M-{number}",
        person_id="P-adult",
        marker_kind="mappa",
        marker_role="source_of_risk",
        marker_basis="convicted",
        marker_families=list(families),
    )


def contact(agency):
    return ContactRecorded(contact_id="C-1", family_id="F-1", source_code="2A", agency_id=agency)


def no_action(number):
    return ReferralDecided(referral_id=f"R-{number}", family_id="F-1", decision="no_further_action")


def referral():
    return ReferralSubmitted(referral_id="R-1", family_id="F-1", source_code="2A", severity="amber")


def level(number, reason="assessment"):
    return LevelChanged(family_id="F-1", level=number, level_reason=reason)


def closed(reason="RC7"):
    return CaseClosed(case_id="K-1", family_id="F-1", closure_reason=reason)


def assessed(*factors):
    return AssessmentCompleted(assessment_id="A-1", family_id="F-1", factors=list(factors))


@pytest.mark.parametrize(
    ("markers", "named", "other"),
    [
        ([marker("F-1")], True, False),
        ([marker("F-2")], False, True),
        ([marker()], False, True),
        ([marker("F-1"), marker("F-2", number=2)], True, False),
    ],
)
def test_marked_adult_fires_one_rule_by_what_the_marker_names(story, markers, named, other):
    """If the marker names no family and the person is new to the family, the rule about other families applies."""
    story.add(story.day(0), joined("P-child", role="child"))
    for event in markers:
        story.add(story.day(1), event)
    story.add(story.day(2), joined("P-adult"), id="joined")

    assert story.anchors("adult_returns") == (["joined"] if named else [])
    assert story.anchors("marked_adult_joins_other_family") == (["joined"] if other else [])


@pytest.mark.parametrize(("seconds", "fires"), [(0, True), (1, False)])
def test_two_agencies_within_168_hours(story, seconds, fires):
    story.add(story.day(0), contact("school"))
    story.add(story.day(7, seconds), contact("police"), id="second")
    story.add(story.day(7, seconds + 1), contact("gp"))

    assert story.anchors("two_agencies_one_week")[:1] == (["second"] if fires else ["e-0002"])


def test_one_agency_twice_is_not_two(story):
    story.add(story.day(0), contact("school"))
    story.add(story.day(1), contact("school"))

    assert story.anchors("two_agencies_one_week") == []


@pytest.mark.parametrize(("seconds", "number", "fires"), [(0, 2, True), (1, 2, False), (0, 1, False)])
def test_second_no_further_action_within_twelve_months(story, seconds, number, fires):
    """The second decision must be on another referral. Two records of the same decision count as one decision."""
    story.add(story.day(0), no_action(1))
    story.add(datetime(2027, 1, 5, 12, 0, seconds, tzinfo=UTC), no_action(number))

    assert bool(story.anchors("repeat_no_further_action")) == fires


@pytest.mark.parametrize(
    ("down", "up", "fires"),
    [
        (level(2), level(3), True),
        (level(2), referral(), True),
        (closed(), referral(), True),
        (closed("RC2"), referral(), False),
        (closed("RC5"), referral(), False),
        (level(4), referral(), False),
        (level(2), level(1), False),
    ],
)
def test_need_that_rises_after_a_step_down(story, down, up, fires):
    story.add(story.day(0), level(3))
    story.add(story.day(10), down)
    story.add(story.day(20), up, id="up")

    assert story.anchors("step_down_failed") == (["up"] if fires else [])


@pytest.mark.parametrize(("seconds", "fires"), [(0, True), (1, False)])
def test_six_months_are_calendar_months_of_london(story, seconds, fires):
    """The six months run from noon in winter to noon in summer, which is 11:00 UTC."""
    story.add(story.day(0), closed())
    story.add(datetime(2026, 7, 5, 11, 0, seconds, tzinfo=UTC), referral())

    assert bool(story.anchors("step_down_failed")) == fires


@pytest.mark.parametrize(
    ("factors", "reason", "fires"),
    [
        (None, "to_access_provision", True),
        (("21",), "to_access_provision", True),
        (("20",), "to_access_provision", True),
        (("16A", "20"), "to_access_provision", False),
        (("21",), "assessment", False),
    ],
)
def test_level_4_only_for_access(story, factors, reason, fires):
    story.add(story.day(0), level(2))
    if factors:
        story.add(story.day(1), assessed(*factors))
    story.add(story.day(2), level(4, reason), id="raised")
    story.add(story.day(3), level(4, reason))

    assert story.anchors("level_4_for_access") == (["raised"] if fires else [])
