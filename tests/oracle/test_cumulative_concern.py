"""Tests of the oracle on `cumulative_concern`, one test for each sentence of the rule."""

from datetime import UTC, datetime

import pytest

from streams.contracts import (
    AssessmentStarted,
    CaseClosed,
    CaseOpened,
    ContactRecorded,
    EscalationReported,
    LevelChanged,
    ReferralDecided,
    ReferralSubmitted,
)

RULE = "cumulative_concern"


def contact(agency=None, source="2A", incident=None):
    return ContactRecorded(
        contact_id="C-1", family_id="F-1", source_code=source, agency_id=agency, incident_id=incident
    )


def referral(number, agency=None, source="2A", incident=None):
    return ReferralSubmitted(
        referral_id=f"R-{number}",
        family_id="F-1",
        source_code=source,
        severity="amber",
        agency_id=agency,
        incident_id=incident,
    )


def escalation(agency=None, source="6", incident=None):
    return EscalationReported(
        escalation_id="X-1",
        family_id="F-1",
        escalation_kind="child_missing",
        severity="amber",
        source_code=source,
        agency_id=agency,
        incident_id=incident,
    )


def decided(number, decision):
    return ReferralDecided(referral_id=f"R-{number}", family_id="F-1", decision=decision)


def assessed(number=None):
    return AssessmentStarted(
        assessment_id="A-1", family_id="F-1", assessment_kind="caf", referral_id=number and f"R-{number}"
    )


def level(number):
    return LevelChanged(family_id="F-1", level=number, level_reason="assessment")


def opened(case="K-1"):
    return CaseOpened(case_id=case, family_id="F-1", service_id="s")


def closed(case="K-1"):
    return CaseClosed(case_id=case, family_id="F-1", closure_reason="RC7")


def fired(story, clause):
    return [alert.anchor[1] for alert in story.alerts(RULE) if alert.clause == clause]


@pytest.mark.parametrize(("seconds", "fires"), [(0, True), (1, False)])
def test_three_concerns_in_ninety_days_from_two_agencies(story, seconds, fires):
    """A concern exactly ninety days earlier counts."""
    story.add(story.day(0), contact("school-1"))
    story.add(story.day(30), escalation("police"))
    story.add(story.day(90, seconds), referral(1, "school-1"), id="third")

    assert fired(story, "a") == (["third"] if fires else [])


def test_evidence_is_the_concerns_counted(story):
    story.add(story.day(0), contact("school-1"), id="too old")
    story.add(story.day(91), contact("school-1"), id="first")
    story.add(story.day(92), contact("school-1"), id="second")
    story.add(story.day(93), contact("gp"), id="third")

    (alert,) = (alert for alert in story.alerts(RULE) if alert.clause == "a")

    assert {event for _, event in alert.evidence} == {"first", "second", "third"}
    assert (alert.severity, alert.status) == ("amber", "open")


def test_one_agency_is_not_enough(story):
    """All individuals together count as one agency, whatever organisation they name."""
    for day, source in enumerate(("1A", "1B", "9")):
        story.add(story.day(day), contact(f"agency-{day}", source))

    assert fired(story, "a") == []


def test_source_stands_for_an_agency_that_is_not_named(story):
    story.add(story.day(0), contact(source="2A"))
    story.add(story.day(1), contact(source="2A"))
    assert fired(story, "a") == []
    story.add(story.day(2), contact(source="3A"), id="third")

    assert fired(story, "a") == ["third"]


@pytest.mark.parametrize("names", [("police-1", None), (None, "police-1"), (None, "police-1", None, "police-1")])
def test_agency_that_is_named_once_and_left_out_once_is_one(story, names):
    for day, name in enumerate((*names, None)):
        story.add(story.day(day), contact(name, "6"), id=f"c-{day}")
    assert fired(story, "a") == []
    story.add(story.day(9), contact("police-2", "6"), id="another")

    assert fired(story, "a") == ["another"]


def test_one_incident_counts_once_per_agency(story):
    """An incident counts at the time of the agency's first report. A report by another agency is another concern."""
    story.add(story.day(0), contact("school", incident="I-1"), id="first")
    story.add(story.day(1), referral(1, "school", incident="I-1"), id="repeat")
    story.add(story.day(2), contact("school"), id="second")
    story.add(story.day(3), escalation("police", incident="I-1"), id="third")

    (alert,) = (alert for alert in story.alerts(RULE) if alert.clause == "a")

    assert alert.anchor[1] == "third"
    assert {event for _, event in alert.evidence} == {"first", "second", "third"}


def test_clause_fires_once_while_it_stays_true(story):
    for number, day in enumerate((0, 10, 20, 30, 115)):
        story.add(story.day(day), contact(f"agency-{number}"), id=f"c-{number}")

    assert fired(story, "a") == ["c-2"]


def test_can_turn_true_again(story):
    for number, day in enumerate((0, 10, 20, 95)):
        story.add(story.day(day), contact(f"agency-{number}"), id=f"c-{number}")

    assert fired(story, "a") == ["c-2", "c-3"]


def test_opening_at_a_high_level_resets_every_clause(story):
    """The order of the case and the level events does not matter. Alerts raised before the opening are cleared."""
    for number in range(5):
        story.add(story.day(number), contact(f"agency-{number}"))
    story.add(story.day(10), level(3))
    story.add(story.day(11), opened())
    for number in range(4):
        story.add(story.day(20 + number), contact(f"agency-{number}"), id=f"after-{number}")

    assert {alert.status for alert in story.alerts(RULE) if alert.anchored_at < story.day(11)} == {"cleared"}
    assert fired(story, "a") == ["e-0002"]
    assert fired(story, "b") == ["e-0002", "after-2"]
    assert fired(story, "c") == ["e-0004"]


def test_opening_at_a_low_level_does_not_reset(story):
    story.add(story.day(0), contact("school"))
    story.add(story.day(1), contact("gp"))
    story.add(story.day(2), level(2))
    story.add(story.day(3), opened())
    story.add(story.day(4), contact("police"), id="third")

    assert fired(story, "a") == ["third"]


def test_clause_a_waits_while_open_and_fires_at_the_closure(story):
    """The closure makes the clause true, so it is the anchor."""
    story.add(story.day(0), level(3))
    story.add(story.day(1), opened())
    for number in range(3):
        story.add(story.day(2 + number), contact(f"agency-{number}"), id=f"c-{number}")
    assert fired(story, "a") == []
    story.add(story.day(10), closed(), id="closed")
    story.add(story.day(11), contact("agency-3"))

    (alert,) = (alert for alert in story.alerts(RULE) if alert.clause == "a")

    assert alert.anchor[1] == "closed"
    assert {event for _, event in alert.evidence} == {"c-0", "c-1", "c-2"}


def test_second_case_keeps_the_family_open(story):
    story.add(story.day(0), level(3))
    story.add(story.day(1), opened("K-1"))
    story.add(story.day(2), opened("K-2"))
    for number in range(3):
        story.add(story.day(3 + number), contact(f"agency-{number}"))
    story.add(story.day(10), closed("K-1"))

    assert fired(story, "a") == []


@pytest.mark.parametrize(("seconds", "fires"), [(0, True), (1, False)])
def test_third_uninvestigated_concern_in_twelve_months(story, seconds, fires):
    """The months are calendar months in London: here from noon in winter to noon in winter."""
    story.add(story.day(0), contact("school"))
    story.add(story.day(200), contact("school"))
    story.add(datetime(2027, 1, 5, 12, 0, seconds, tzinfo=UTC), contact("school"), id="third")

    assert fired(story, "b") == (["third"] if fires else [])


@pytest.mark.parametrize(("decision", "fires"), [("mash", False), ("early_help", False), ("no_further_action", True)])
def test_decision_to_look_into_a_referral_investigates_it(story, decision, fires):
    story.add(story.day(0), referral(1))
    story.add(story.day(1), decided(1, decision))
    story.add(story.day(2), contact())
    story.add(story.day(3), contact(), id="third")

    assert bool(fired(story, "b")) == fires


def test_later_decision_does_not_undo_an_alert(story):
    """At each event, the clause is evaluated with only the records known at that time."""
    story.add(story.day(0), referral(1))
    story.add(story.day(1), contact())
    story.add(story.day(2), contact(), id="third")
    story.add(story.day(3), decided(1, "mash"))

    assert fired(story, "b") == ["third"]


@pytest.mark.parametrize(("number", "fires"), [(1, False), (None, False), (2, True)])
def test_assessment_investigates_its_referral_or_everything_before_it(story, number, fires):
    story.add(story.day(0), referral(1))
    story.add(story.day(1), assessed(number))
    story.add(story.day(2), contact())
    story.add(story.day(3), contact())

    assert bool(fired(story, "b")) == fires


def test_assessment_does_not_investigate_what_came_after_it(story):
    story.add(story.day(0), assessed())
    for number in range(3):
        story.add(story.day(1 + number), contact(), id=f"c-{number}")

    assert fired(story, "b") == ["c-2"]


def test_concern_is_investigated_with_any_of_its_reports(story):
    """A later referral about the incident was investigated, so the concern with its earlier contact is investigated."""
    story.add(story.day(0), contact("school", incident="I-1"))
    story.add(story.day(1), referral(1, "school", incident="I-1"))
    story.add(story.day(2), decided(1, "mash"))
    story.add(story.day(3), contact())
    story.add(story.day(4), contact())

    assert fired(story, "b") == []


def test_fifth_concern_ever(story):
    """The age of the first concerns does not matter. A sixth concern raises no further alert."""
    for number in range(6):
        story.add(story.day(300 * number), contact("school"), id=f"c-{number}")

    (alert,) = (alert for alert in story.alerts(RULE) if alert.clause == "c")

    assert alert.anchor[1] == "c-4"
    assert len(alert.evidence) == 5


def test_clauses_have_their_own_ids(story):
    """One event can make two clauses true."""
    for number in range(3):
        story.add(story.day(number), contact(f"agency-{number}"), id=f"c-{number}")

    first, second = story.alerts(RULE)

    assert first.anchor == second.anchor
    assert first.alert_id != second.alert_id


def test_withdrawn_concern_withdraws_the_alert(story):
    for number in range(3):
        story.add(story.day(number), contact(f"agency-{number}"), id=f"c-{number}")
    story.withdraw(story.day(4), "c-1", contact())

    assert story.anchors(RULE) == []
