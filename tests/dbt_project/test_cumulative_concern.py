"""The rule `cumulative_concern`: what counts as a concern, the three clauses, and which events restart the count."""

from datetime import datetime, timedelta
from itertools import count

import pytest

NUMBERS = count()


def _contact(world, at, agency="school", incident=None, **options):
    number = next(NUMBERS)
    return world.tell(
        "contact-recorded",
        at,
        contact_id=f"C-{number}",
        family_id="F-1",
        source_code=options.pop("source", "2A"),
        agency_id=agency,
        incident_id=incident,
        **options,
    )


def _referral(world, at, agency="school", incident=None, number=1, **options):
    return world.tell(
        "referral-submitted",
        at,
        referral_id=f"R-{number}",
        family_id="F-1",
        source_code="2A",
        agency_id=agency,
        incident_id=incident,
        severity="amber",
        consent="given",
        **options,
    )


def _days(first, *days):
    start = datetime.fromisoformat(first)
    return [(start + timedelta(days=day)).isoformat() for day in days]


def _fired(world, clause):
    """Anchors of the alerts of one clause. An alert's reason shows which of the three clauses is true."""
    words = {"a": "agencies in", "b": "nobody has investigated", "c": "in all"}[clause]
    return [alert["anchor_id"] for alert in world.alerts("cumulative_concern") if words in alert["reason"]]


def _open_at_level_3(world, at, case="K-1"):
    world.tell("level-changed", at, family_id="F-1", level=3, level_reason="assessment")
    world.tell("case-opened", at, family_id="F-1", case_id=case, service_id="s")


@pytest.mark.parametrize(("last", "alerts"), [(90, 1), (90.00001, 0)])
def test_three_concerns_in_ninety_days_from_two_agencies(world, last, alerts):
    at = _days("2025-01-01T09:00:00", 0, 40, last)
    _contact(world, at[0])
    _contact(world, at[1], "police")
    third = _contact(world, at[2])

    assert _fired(world, "a") == [third.id] * alerts


def test_concerns_counted_are_the_evidence(world):
    at = _days("2025-01-01T09:00:00", 0, 40, 50)
    told = [_contact(world, at[0]), _contact(world, at[1], "police"), _referral(world, at[2])]

    alert = world.alerts("cumulative_concern")[0]

    assert (alert["severity"], alert["status"]) == ("amber", "open")
    assert [evidence["id"] for evidence in alert["evidence"]] == [event.id for event in told]


def test_one_agency_is_not_two(world):
    for at in _days("2025-01-01T09:00:00", 0, 1, 2):
        _contact(world, at)

    assert _fired(world, "a") == []


def test_individuals_and_anonymous_reporters_are_one_agency(world):
    for at, source in zip(_days("2025-01-01T09:00:00", 0, 1, 2), ["1A", "1D", "9"], strict=True):
        _contact(world, at, None, source=source)

    assert _fired(world, "a") == []


def test_one_incident_counts_once_an_agency(world):
    at = _days("2025-01-01T09:00:00", 0, 1, 2, 3)
    _contact(world, at[0], incident="I-1")
    _referral(world, at[1], incident="I-1")
    _contact(world, at[2], "police", "I-1")
    before = _fired(world, "a")
    fourth = _contact(world, at[3])

    assert before == []
    assert _fired(world, "a") == [fourth.id]


def test_reported_escalation_is_a_concern(world):
    at = _days("2025-01-01T09:00:00", 0, 1, 2)
    _contact(world, at[0])
    _contact(world, at[1])
    escalation = {"escalation_id": "X-1", "escalation_kind": "child_missing", "severity": "red", "source_code": "6"}
    reported = world.tell("escalation-reported", at[2], family_id="F-1", **escalation)

    assert _fired(world, "a") == [reported.id]


def test_further_concern_is_not_a_second_alert(world):
    at = _days("2025-01-01T09:00:00", 0, 1, 2, 3, 4)
    told = [_contact(world, moment, f"agency-{moment[-11:-9]}") for moment in at]

    assert _fired(world, "a") == [told[2].id]


def test_clause_a_turns_true_again_after_it_was_false(world):
    at = _days("2025-01-01T09:00:00", 0, 1, 2, 200, 201, 202)
    told = [_contact(world, moment, f"agency-{number}") for number, moment in enumerate(at)]

    assert _fired(world, "a") == [told[2].id, told[5].id]


def test_clause_a_turns_true_again_when_its_window_had_moved_on(world):
    """
    Between the third concern and the next concerns, the clause became false by the passing of time, not by an event.
    """
    at = _days("2025-01-01T09:00:00", 0, 60, 80, 160, 165)
    told = [_contact(world, moment, f"agency-{number}") for number, moment in enumerate(at)]

    assert _fired(world, "a") == [told[2].id, told[4].id]


@pytest.mark.parametrize(
    "ending",
    [
        ("case-closed", {"case_id": "K-1", "closure_reason": "RC7"}),
        ("level-changed", {"level": 2, "level_reason": "progress"}),
    ],
)
def test_end_of_an_opening_at_level_3_can_turn_clause_a_true(world, ending):
    _open_at_level_3(world, "2024-12-01T09:00:00")
    told = [_contact(world, at, f"agency-{at[8:10]}") for at in _days("2025-01-01T09:00:00", 0, 1, 2)]
    fact, data = ending
    ended = world.tell(fact, "2025-01-10T09:00:00", family_id="F-1", **data)

    (alert,) = [alert for alert in world.alerts("cumulative_concern") if "agencies in" in alert["reason"]]

    assert (alert["anchor_id"], alert["status"]) == (ended.id, "open")
    assert [evidence["id"] for evidence in alert["evidence"]] == [event.id for event in told]


def test_second_case_at_level_3_does_not_restart_the_count(world):
    _open_at_level_3(world, "2024-12-01T09:00:00")
    told = [_contact(world, at) for at in _days("2025-01-01T09:00:00", 0, 1)]
    world.tell("case-opened", "2025-01-05T09:00:00", family_id="F-1", case_id="K-2", service_id="s")
    told.append(_contact(world, "2025-01-06T09:00:00"))

    assert _fired(world, "b") == [told[-1].id]


def test_open_family_at_level_3_is_being_helped(world):
    _open_at_level_3(world, "2024-12-01T09:00:00")
    for number, at in enumerate(_days("2025-01-01T09:00:00", 0, 1, 2)):
        _contact(world, at, f"agency-{number}")

    assert _fired(world, "a") == []


@pytest.mark.parametrize("level", [2, 3])
def test_level_alone_does_not_make_a_family_open(world, level):
    world.tell("level-changed", "2024-12-01T09:00:00", family_id="F-1", level=level, level_reason="assessment")
    for number, at in enumerate(_days("2025-01-01T09:00:00", 0, 1, 2)):
        _contact(world, at, f"agency-{number}")

    assert len(_fired(world, "a")) == 1


def test_third_uninvestigated_concern_in_twelve_months(world):
    _contact(world, "2024-03-03T09:00:00")
    _contact(world, "2024-09-03T09:00:00")
    third = _contact(world, "2025-03-03T09:00:00")

    assert _fired(world, "b") == [third.id]


def test_concern_of_more_than_twelve_months_ago_does_not_count(world):
    _contact(world, "2024-03-03T08:59:59")
    _contact(world, "2024-09-03T09:00:00")
    _contact(world, "2025-03-03T09:00:00")

    assert _fired(world, "b") == []


@pytest.mark.parametrize(
    ("decision", "alerts"),
    [("mash", 0), ("early_help", 0), ("no_further_action", 1), ("signposted", 1), ("edt", 1)],
)
def test_decision_that_looks_into_it_investigates(world, decision, alerts):
    _referral(world, "2025-01-01T09:00:00")
    world.tell("referral-decided", "2025-01-01T12:00:00", referral_id="R-1", family_id="F-1", decision=decision)
    _contact(world, "2025-02-01T09:00:00")
    _contact(world, "2025-03-01T09:00:00")

    assert len(_fired(world, "b")) == alerts


@pytest.mark.parametrize(("agency", "alerts"), [("school", 0), ("police", 1)])
def test_concern_is_investigated_with_any_report_that_the_agency_made_of_it(world, agency, alerts):
    _contact(world, "2025-01-01T08:00:00", agency, "I-1")
    _referral(world, "2025-01-01T09:00:00", "school", "I-1")
    assessment = {"assessment_id": "A-1", "assessment_kind": "caf", "referral_id": "R-1"}
    world.tell("assessment-started", "2025-01-05T12:00:00", family_id="F-1", **assessment)
    _contact(world, "2025-02-01T09:00:00")
    _contact(world, "2025-03-01T09:00:00")

    assert len(_fired(world, "b")) == alerts


@pytest.mark.parametrize(("at", "alerts"), [("2025-01-31T09:00:00", 1), ("2025-02-02T09:00:00", 0)])
def test_assessment_that_names_no_referral_investigates_what_was_reported_before_it(world, at, alerts):
    for reported in ("2025-01-01T09:00:00", "2025-02-01T09:00:00", "2025-03-01T09:00:00", "2025-03-02T09:00:00"):
        _contact(world, reported)
    world.tell("assessment-started", at, family_id="F-1", assessment_id="A-1", assessment_kind="caf")

    assert len(_fired(world, "b")) == alerts


def test_contact_sent_twice_without_an_incident_is_two_concerns(world):
    for at in _days("2025-01-01T09:00:00", 0, 1, 2):
        world.tell("contact-recorded", at, contact_id="C", family_id="F-1", source_code="2A", agency_id="school")

    assert len(_fired(world, "b")) == 1


def test_investigation_after_the_third_concern_does_not_undo_the_alert(world):
    _referral(world, "2025-01-01T09:00:00")
    _contact(world, "2025-02-01T09:00:00")
    third = _contact(world, "2025-03-01T09:00:00")
    world.tell("referral-decided", "2025-03-02T12:00:00", referral_id="R-1", family_id="F-1", decision="mash")

    assert _fired(world, "b") == [third.id]


def test_fifth_concern_ever(world):
    told = [_contact(world, f"{year}-01-01T09:00:00") for year in range(2015, 2021)]

    assert _fired(world, "c") == [told[4].id]


def test_opening_at_level_3_clears_and_restarts_the_count(world):
    told = [_contact(world, f"{year}-01-01T09:00:00") for year in range(2010, 2015)]
    _open_at_level_3(world, "2014-06-01T09:00:00")
    again = [_contact(world, f"{year}-01-01T09:00:00") for year in range(2015, 2020)]

    alerts = world.alerts("cumulative_concern")

    assert _fired(world, "c") == [told[4].id, again[4].id]
    assert [alert["status"] for alert in alerts] == ["cleared", "open"]


def test_two_clauses_at_one_concern_are_two_alerts(world):
    for number, at in enumerate(_days("2025-01-01T09:00:00", 0, 1, 2)):
        _contact(world, at, f"agency-{number}")

    alerts = world.alerts("cumulative_concern")

    assert len({alert["alert_id"] for alert in alerts}) == 2
    assert len({alert["anchor_id"] for alert in alerts}) == 1


def test_late_concern_moves_the_anchor(world):
    at = _days("2025-01-01T09:00:00", 0, 1, 2, 3)
    _contact(world, at[0])
    _contact(world, at[1], "police")
    _contact(world, at[3])
    late = _contact(world, at[2], received="2025-02-01T09:00:00")

    assert _fired(world, "a") == [late.id]


def test_withdrawn_concern_withdraws_the_alert(world):
    at = _days("2025-01-01T09:00:00", 0, 1, 2)
    _contact(world, at[0])
    second = _contact(world, at[1], "police")
    _contact(world, at[2])
    world.withdraw(second, "2025-02-01T09:00:00")

    assert world.alerts("cumulative_concern") == []


def test_corrected_agency_withdraws_the_alert(world):
    at = _days("2025-01-01T09:00:00", 0, 1, 2)
    _contact(world, at[0])
    second = _contact(world, at[1], "police")
    _contact(world, at[2])
    world.correct(second, "2025-02-01T09:00:00", agency_id="school")

    assert _fired(world, "a") == []


def test_duplicate_is_no_concern(world):
    at = _days("2025-01-01T09:00:00", 0, 1)
    world.repeat(_contact(world, at[0]))
    world.repeat(_contact(world, at[1], "police"))

    assert world.alerts("cumulative_concern") == []
