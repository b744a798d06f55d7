"""Tests of the oracle on the rules about one referral: `re_referral`, `front_door_breach`, `consent_not_recorded`."""

from datetime import UTC, datetime

import pytest

from streams.contracts import ConsentGiven, ConsentRefused, ConsentWithdrawn, ReferralDecided, ReferralSubmitted


def referral(number, incident=None, family="F-1", consent="given", consent_reason=None):
    return ReferralSubmitted(
        referral_id=f"R-{number}",
        family_id=family,
        source_code="2A",
        severity="amber",
        incident_id=incident,
        consent=consent,
        consent_reason=consent_reason,
    )


def decided(number, decision="no_further_action"):
    return ReferralDecided(referral_id=f"R-{number}", family_id="F-1", decision=decision)


def test_re_referral_names_the_latest_earlier_one(story):
    story.add(story.day(0), referral(1), id="r-1")
    story.add(story.day(9), referral(2), id="r-2")
    story.add(story.day(99), referral(3), id="r-3")

    second, third = story.alerts("re_referral")

    assert {event for _, event in second.evidence} == {"r-1", "r-2"}
    assert {event for _, event in third.evidence} == {"r-2", "r-3"}
    assert (third.entity_kind, third.entity_id, third.severity) == ("family", "F-1", "amber")


@pytest.mark.parametrize(
    ("first", "second", "fires"),
    [
        ((2025, 1, 10, 12, 0, 0), (2026, 1, 10, 12, 0, 0), True),
        ((2025, 1, 10, 12, 0, 0), (2026, 1, 10, 12, 0, 1), False),
        ((2025, 2, 28, 12, 0, 0), (2026, 2, 28, 12, 0, 0), True),
        ((2024, 2, 28, 12, 0, 0), (2025, 2, 28, 12, 0, 0), True),
        ((2023, 2, 28, 12, 0, 0), (2024, 2, 29, 12, 0, 0), True),
        ((2023, 2, 28, 11, 59, 59), (2024, 2, 29, 12, 0, 0), False),
        ((2024, 3, 30, 12, 0, 0), (2025, 3, 30, 11, 0, 0), True),  # from noon in winter time to noon in summer time
        ((2024, 3, 30, 12, 0, 0), (2025, 3, 30, 11, 0, 1), False),
        ((2025, 10, 26, 0, 30, 0), (2026, 10, 26, 1, 30, 0), True),  # 01:30 occurred twice; the first is meant
        ((2025, 10, 26, 0, 29, 59), (2026, 10, 26, 1, 30, 0), False),
    ],
)
def test_months_are_those_of_the_london_calendar(story, first, second, fires):
    story.add(datetime(*first, tzinfo=UTC), referral(1))
    story.add(datetime(*second, tzinfo=UTC), referral(2))

    assert bool(story.anchors("re_referral")) == fires


@pytest.mark.parametrize(
    ("one", "other", "fires"), [("I-1", "I-1", False), ("I-1", "I-2", True), (None, "I-1", True), (None, None, True)]
)
def test_same_incident_is_no_re_referral(story, one, other, fires):
    """If a referral names no incident, nobody can know that two referrals are about the same incident."""
    story.add(story.day(0), referral(1, one))
    story.add(story.day(1), referral(2, other))

    assert bool(story.anchors("re_referral")) == fires


def test_earlier_referral_counts_behind_one_on_the_same_incident(story):
    story.add(story.day(0), referral(1, "I-1"), id="r-1")
    story.add(story.day(1), referral(2, "I-2"))
    story.add(story.day(2), referral(3, "I-2"), id="r-3")

    alert = story.alerts("re_referral")[-1]

    assert {event for _, event in alert.evidence} == {"r-1", "r-3"}


def test_second_copy_of_a_referral_is_no_re_referral(story):
    story.add(story.day(0), referral(1))
    story.add(story.day(1), referral(1))

    assert story.anchors("re_referral") == []


def test_other_family_is_no_re_referral(story):
    story.add(story.day(0), referral(1))
    story.add(story.day(1), referral(2, family="F-2"))

    assert story.anchors("re_referral") == []


def test_referrals_of_one_instant_are_ordered_by_id(story):
    story.add(story.day(0), referral(2), id="b")
    story.add(story.day(0), referral(1), id="a")

    assert story.anchors("re_referral") == ["b"]


@pytest.mark.parametrize(("decision", "status"), [("edt", "open"), ("no_further_action", "cleared")])
def test_re_referral_is_cleared_by_the_decision(story, decision, status):
    story.add(story.day(0), referral(1))
    story.add(story.day(1), referral(2))
    story.add(story.day(2), decided(2, decision))

    assert [alert.status for alert in story.alerts("re_referral")] == [status]


def test_withdrawn_earlier_referral_withdraws_the_alert(story):
    story.add(story.day(0), referral(1), id="r-1")
    story.add(story.day(1), referral(2))
    story.withdraw(story.day(2), "r-1", referral(1))

    assert story.anchors("re_referral") == []


@pytest.mark.parametrize(
    ("hours", "severity"),
    [(18, None), (18 + 1 / 3600, "amber"), (24, "amber"), (24 + 1 / 3600, "red")],
)
def test_breach_begins_when_the_deadline_has_passed(story, hours, severity):
    story.add(story.day(0), referral(1), id="r-1")

    alerts = story.alerts("front_door_breach", as_of=story.day(hours / 24))

    assert [alert.severity for alert in alerts] == ([severity] if severity else [])


def test_breach_is_about_the_referral_and_at_its_deadline(story):
    story.add(story.day(0), referral(1), id="r-1")

    (alert,) = story.alerts("front_door_breach")

    assert (alert.entity_kind, alert.entity_id, alert.anchor[1]) == ("referral", "R-1", "r-1")
    assert (alert.anchored_at, alert.deadline) == (story.day(18 / 24), story.day(1))
    assert {event for _, event in alert.evidence} == {"r-1"}


@pytest.mark.parametrize(
    ("hours", "severity"),
    [(18, None), (18 + 1 / 3600, "amber"), (24, "amber"), (24 + 1 / 3600, "red")],
)
def test_decision_stops_the_clock(story, hours, severity):
    """A decision exactly at the deadline is in time. A later decision clears the alert and is evidence."""
    story.add(story.day(0), referral(1), id="r-1")
    story.add(story.day(hours / 24), decided(1), id="d-1")
    story.add(story.day(9), decided(1))

    alerts = story.alerts("front_door_breach")

    assert [(alert.severity, alert.status) for alert in alerts] == ([(severity, "cleared")] if severity else [])
    assert all({event for _, event in alert.evidence} == {"r-1", "d-1"} for alert in alerts)


def test_emergency_duty_team_does_not_stop_the_clock(story):
    story.add(story.day(0), referral(1))
    story.add(story.day(0.1), decided(1, "edt"))

    assert [alert.status for alert in story.alerts("front_door_breach")] == ["open"]


def test_hours_are_elapsed_ones(story):
    """Across the start of summer time, 24 elapsed hours end at another time of day."""
    story.add(datetime(2026, 3, 28, 12, tzinfo=UTC), referral(1))
    at = datetime(2026, 3, 29, 11, 30, tzinfo=UTC)

    assert [alert.severity for alert in story.alerts("front_door_breach", as_of=at)] == ["amber"]


def test_referral_sent_twice_has_one_clock(story):
    story.add(story.day(0), referral(1), id="first")
    story.add(story.day(5), referral(1))

    assert story.anchors("front_door_breach") == ["first"]


@pytest.mark.parametrize(
    ("consent", "reason", "fires"),
    [
        ("not_recorded", None, True),
        ("not_sought", None, True),
        ("not_sought", "risk_of_harm", False),
        ("refused", None, False),
        ("given", None, False),
    ],
)
def test_unanswered_consent(story, consent, reason, fires):
    story.add(story.day(0), referral(1, consent=consent, consent_reason=reason), id="r-1")

    alerts = story.alerts("consent_not_recorded")

    assert [(alert.entity_id, alert.severity, alert.evidence) for alert in alerts] == (
        [("R-1", "amber", {("/test", "r-1")})] if fires else []
    )


@pytest.mark.parametrize(
    ("seconds", "answer", "status"),
    [
        (-1, ConsentGiven, "open"),
        (0, ConsentGiven, "cleared"),
        (1, ConsentRefused, "cleared"),
        (1, ConsentWithdrawn, "open"),
    ],
)
def test_answer_at_or_after_the_referral_clears(story, seconds, answer, status):
    story.add(story.day(0), referral(1, consent="not_recorded"), id="z")
    story.add(story.day(0, seconds), answer(family_id="F-1", consent_scope="receive_help"), id="a")

    assert [alert.status for alert in story.alerts("consent_not_recorded")] == [status]


def test_corrected_referral_withdraws_the_alert(story):
    story.add(story.day(0), referral(1, consent="not_recorded"), id="r-1")
    story.correct(story.day(1), "r-1", story.day(0), referral(1, consent="refused"))

    assert story.anchors("consent_not_recorded") == []
