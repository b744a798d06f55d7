"""Tests of the oracle on the rules about safeguarding duties with a time limit, one test for each sentence."""

from datetime import UTC, date, datetime, timedelta

import pytest

from streams.contracts import (
    AddressChanged,
    CaseClosed,
    CaseOpened,
    CustodyReleasePlanned,
    EscalationReported,
    HouseholdJoined,
    HouseholdLeft,
    PersonRecorded,
    PersonsLinked,
    ReferralDecided,
    ReferralSubmitted,
    SchoolNotified,
)
from tests.oracle.clock import midnight

FRIDAY = datetime(2026, 6, 12, 15, 59, 59, tzinfo=UTC)
"""One second before 17:00 in London on a Friday in term."""
RELEASE = date(2026, 2, 20)


def referred(severity="red", number=1):
    return ReferralSubmitted(
        referral_id=f"R-{number}", family_id="F-1", source_code="6", severity=severity, consent="given"
    )


def decided(decision="early_help"):
    return ReferralDecided(referral_id="R-1", family_id="F-1", decision=decision)


def incident(named=(), family="F-1", incident_id="I-1", severity="amber", kind="domestic_abuse_incident"):
    return EscalationReported(
        escalation_id="X-1",
        family_id=family,
        escalation_kind=kind,
        severity=severity,
        source_code="6",
        person_ids=list(named),
        incident_id=incident_id,
    )


def joined(person="P-child", family="F-1", role="child"):
    return HouseholdJoined(family_id=family, person_id=person, household_role=role)


def left(person="P-child", family="F-1"):
    return HouseholdLeft(family_id=family, person_id=person)


def planned(release_on=RELEASE, person="P-adult", **where):
    return CustodyReleasePlanned(person_id=person, release_on=release_on, **(where or {"release_family_id": "F-1"}))


def told(child="P-child", incident_id="I-1", family="F-1"):
    return SchoolNotified(family_id=family, person_id=child, incident_id=incident_id)


def facts(alerts):
    return [(alert.severity, alert.status) for alert in alerts]


def evidence(alert):
    return {event for _, event in alert.evidence}


@pytest.mark.parametrize(
    ("at", "alerts"),
    [
        (FRIDAY, 0),
        (FRIDAY + timedelta(seconds=1), 1),
        (datetime(2026, 6, 15, 7, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 6, 15, 8, tzinfo=UTC), 0),
        (datetime(2026, 6, 13, 11, tzinfo=UTC), 1),
        (datetime(2026, 5, 25, 11, tzinfo=UTC), 1),
    ],
)
def test_red_report_outside_working_hours_is_an_alert(story, at, alerts):
    """The cases are 17:00, just before 09:00, a Saturday and a bank holiday."""
    story.add(at - timedelta(days=30), referred(), received=at)
    story.add(at, incident(severity="red", kind="child_missing"))

    assert facts(story.alerts("out_of_hours")) == [("red", "open")] * 2 * alerts


def test_report_that_is_not_red_can_wait(story):
    story.add(FRIDAY + timedelta(hours=1), referred("amber"))
    story.add(FRIDAY + timedelta(hours=1), incident(severity="amber"))

    assert story.alerts("out_of_hours") == []


def test_history_that_is_loaded_arrived_when_it_happened(story):
    story.add(FRIDAY, referred(), received=FRIDAY + timedelta(days=1), is_backfill=True)

    assert story.alerts("out_of_hours") == []


def test_correction_that_makes_it_red_at_night_raises_an_alert(story):
    referral = story.add(FRIDAY, referred("amber"))
    story.correct(FRIDAY + timedelta(hours=3), referral, FRIDAY, referred("red"))

    assert story.anchors("out_of_hours") == [referral]


@pytest.mark.parametrize(
    ("sent", "corrected", "alerts"),
    [
        (FRIDAY + timedelta(hours=3), FRIDAY + timedelta(days=3, hours=-5), 1),
        (FRIDAY - timedelta(hours=3), FRIDAY + timedelta(hours=3), 0),
    ],
)
def test_correction_of_something_else_changes_nothing(story, sent, corrected, alerts):
    """
    A correction that leaves the severity unchanged does not change whether there is an out-of-hours alert.

    An event that arrived red at night keeps its alert. An event that arrived red by day gets no alert.
    """
    referral = story.add(sent, referred())
    story.correct(corrected, referral, sent, referred())

    assert story.anchors("out_of_hours") == [referral] * alerts


@pytest.mark.parametrize(
    ("at", "decision", "status"),
    [
        (FRIDAY - timedelta(hours=1), "early_help", "open"),
        (FRIDAY + timedelta(hours=2), "early_help", "open"),
        (datetime(2026, 6, 15, 8, tzinfo=UTC), "edt", "open"),
        (datetime(2026, 6, 15, 7, 59, 59, tzinfo=UTC), "early_help", "open"),
        (datetime(2026, 6, 15, 8, tzinfo=UTC), "early_help", "cleared"),
    ],
)
def test_decision_clears_it_when_the_front_door_is_staffed(story, at, decision, status):
    """
    A decision from before the referral does not clear the alert.

    A decision at night does not clear the alert either, because the family may be left alone until the morning.
    """
    story.add(FRIDAY + timedelta(hours=1), referred())
    story.add(at, decided(decision))

    assert facts(story.alerts("out_of_hours")) == [("red", status)]


def test_decision_clears_no_escalation(story):
    story.add(FRIDAY + timedelta(hours=1), incident(severity="red"))
    story.add(FRIDAY + timedelta(days=3, hours=-4), decided())

    assert facts(story.alerts("out_of_hours")) == [("red", "open")]


@pytest.mark.parametrize(("severity", "shown"), [("red", "red"), ("amber", "amber"), ("green", "amber")])
def test_referral_on_an_open_family_is_an_alert(story, severity, shown):
    """The evidence is the referral and the case that opened the family. A second case is not evidence."""
    story.add(story.day(0), CaseOpened(case_id="K-1", family_id="F-1", service_id="s"), id="k-1")
    story.add(story.day(1), CaseOpened(case_id="K-2", family_id="F-1", service_id="s"), id="k-2")
    story.add(story.day(2), referred(severity), id="r-1")
    (alert,) = story.alerts("already_open")

    assert (alert.severity, alert.status, evidence(alert)) == (shown, "open", {"k-1", "r-1"})


@pytest.mark.parametrize(("day", "alerts"), [(-1, 0), (1, 1), (3, 0)])
def test_family_is_open_from_its_first_case_to_the_end_of_its_last(story, day, alerts):
    story.add(story.day(0), CaseOpened(case_id="K-1", family_id="F-1", service_id="s"))
    story.add(story.day(2), CaseClosed(case_id="K-1", family_id="F-1", closure_reason="RC7"))
    story.add(story.day(day), referred())

    assert len(story.alerts("already_open")) == alerts


@pytest.mark.parametrize(("decision", "status"), [("edt", "open"), ("routed_to_open_service", "cleared")])
def test_decision_of_the_front_door_clears_it(story, decision, status):
    story.add(story.day(0), CaseOpened(case_id="K-1", family_id="F-1", service_id="s"))
    story.add(story.day(1), referred())
    story.add(story.day(2), referred(), id="again")
    story.add(story.day(3), decided(decision))

    assert facts(story.alerts("already_open")) == [("red", status)]


@pytest.mark.parametrize(
    ("decision", "status"), [(None, "open"), (2, "open"), (4, "cleared")], ids=["never", "before it was", "after"]
)
def test_referral_that_is_sent_again_as_red_is_red(story, decision, status):
    """A decision from before the referral was called red does not count. The anchor stays the same."""
    story.add(story.day(0), CaseOpened(case_id="K-1", family_id="F-1", service_id="s"), id="k-1")
    story.add(story.day(1), referred("amber"), id="r-1")
    story.add(story.day(3), referred("red"), id="r-2")
    if decision:
        story.add(story.day(decision), decided())
    (alert,) = story.alerts("already_open")

    assert (alert.severity, alert.status, alert.anchor[1], alert.anchored_at) == ("red", status, "r-1", story.day(1))
    assert evidence(alert) == {"k-1", "r-1", "r-2"}


def test_referral_that_is_sent_again_as_amber_stays_red(story):
    story.add(story.day(0), CaseOpened(case_id="K-1", family_id="F-1", service_id="s"), id="k-1")
    story.add(story.day(1), referred("red"), id="r-1")
    story.add(story.day(2), decided())
    story.add(story.day(3), referred("amber"), id="r-2")
    (alert,) = story.alerts("already_open")

    assert (alert.severity, alert.status, evidence(alert)) == ("red", "cleared", {"k-1", "r-1"})


def test_referral_from_before_the_opening_counts_when_it_is_sent_again(story):
    story.add(story.day(-1), referred("amber"), id="r-1")
    story.add(story.day(0), CaseOpened(case_id="K-1", family_id="F-1", service_id="s"), id="k-1")
    story.add(story.day(1), referred("amber"), id="r-2")
    (alert,) = story.alerts("already_open")

    assert (alert.severity, alert.anchor[1], evidence(alert)) == ("amber", "r-2", {"k-1", "r-2"})


def test_same_referral_of_another_family_is_another(story):
    """
    Two families use the same referral id.

    A decision on the referral of one family does not count for the referral of the other family. Only the family that
    is open has an alert.
    """
    story.add(story.day(0), CaseOpened(case_id="K-1", family_id="F-1", service_id="s"))
    other = ReferralSubmitted(referral_id="R-1", family_id="F-2", source_code="6", severity="red", consent="given")
    story.add(story.day(1), referred("amber"))
    story.add(story.day(2), other)
    story.add(story.day(3), ReferralDecided(referral_id="R-1", family_id="F-2", decision="early_help"))

    assert [(alert.entity_id, *facts([alert])[0]) for alert in story.alerts("already_open")] == [
        ("F-1", "amber", "open")
    ]


@pytest.mark.parametrize(
    ("days", "seconds", "seen"),
    [(-14, 0, []), (-14, 1, [("amber", "open")]), (-3, 0, [("amber", "open")]), (-3, 1, [("red", "open")]),
     (1, 0, [("red", "open")]), (1, 1, [("red", "cleared")])],
)  # fmt: skip
def test_release_comes_nearer(story, days, seconds, seen):
    """The alert starts 14 days before the release, turns red 3 days before it, and ends after the day of release."""
    story.add(story.day(0), joined())
    story.add(story.day(1), planned(), id="plan")
    alerts = story.alerts("custody_release_due", midnight(RELEASE + timedelta(days=days)) + timedelta(seconds=seconds))

    assert facts(alerts) == seen
    assert all(alert.anchored_at == midnight(RELEASE - timedelta(days=14)) for alert in alerts)
    assert all(evidence(alert) == {"plan"} for alert in alerts)


@pytest.mark.parametrize(("days", "alerts"), [(-20, 1), (-14, 1), (0, 1), (1, 0)])
def test_plan_made_late_is_an_alert_up_to_its_day(story, days, alerts):
    story.add(story.day(0), joined())
    story.add(midnight(RELEASE + timedelta(days=days)) + timedelta(hours=12), planned())

    assert len(story.alerts("custody_release_due")) == alerts


def test_release_to_an_address_is_to_the_families_there(story):
    story.add(story.day(0), joined())
    story.add(story.day(0), joined("P-2", "F-2"))
    story.add(story.day(0), joined("P-3", "F-3"))
    story.add(story.day(1), AddressChanged(family_id="F-1", address_id="U-1"))
    story.add(story.day(1), AddressChanged(family_id="F-2", address_id="U-2"))
    story.add(story.day(1), AddressChanged(family_id="F-3"))
    story.add(story.day(2), planned(address_id="U-1"))

    assert [alert.entity_id for alert in story.alerts("custody_release_due")] == ["F-1"]


def test_release_to_nowhere_or_to_no_child_raises_nothing(story):
    story.add(story.day(0), joined("P-other", role="mother"))
    story.add(story.day(0), joined("P-adult"))
    story.add(story.day(1), planned())
    story.add(story.day(1), CustodyReleasePlanned(person_id="P-2", release_on=RELEASE))

    assert story.alerts("custody_release_due") == []


def test_child_who_comes_later_is_in_time(story):
    """
    A child joins the family five days before the release. The plan stays the anchor.

    The alert stays open when the child leaves again, and is cleared when the family moves.
    """
    story.add(story.day(0), AddressChanged(family_id="F-1", address_id="U-1"))
    story.add(story.day(1), planned(address_id="U-1"), id="plan")
    comes = midnight(RELEASE) - timedelta(days=5)
    story.add(comes, joined())
    story.add(comes + timedelta(hours=1), left())
    (alert,) = story.alerts("custody_release_due", comes + timedelta(days=4))
    story.add(comes + timedelta(days=4), AddressChanged(family_id="F-1", address_id="U-9"))
    (later,) = story.alerts("custody_release_due", comes + timedelta(days=4))

    assert (alert.anchor[1], alert.anchored_at, alert.severity, alert.status) == ("plan", comes, "red", "open")
    assert later.status == "cleared"


def test_other_plan_replaces_it_also_under_another_identifier(story):
    story.add(story.day(0), joined())
    story.add(story.day(0), PersonsLinked(person_id="P-adult", linked_person_id="P-alias", link_basis="same_number"))
    story.add(midnight(RELEASE) - timedelta(days=10), planned(), id="plan")
    story.add(midnight(RELEASE) - timedelta(days=5), planned(RELEASE + timedelta(days=3), "P-alias"), id="other")
    alerts = story.alerts("custody_release_due", midnight(RELEASE) + timedelta(hours=1))

    assert [(alert.anchor[1], *facts([alert])[0]) for alert in alerts] == [
        ("plan", "amber", "cleared"),
        ("other", "red", "open"),
    ]


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-06-09 18:00", "2026-06-10 07:45"),
        ("2026-06-10 07:44:59", "2026-06-10 07:45"),
        ("2026-06-10 07:45", "2026-06-11 07:45"),
        ("2026-06-12 12:00", "2026-06-15 07:45"),
        ("2025-07-22 12:00", "2025-09-01 07:45"),
        ("2026-04-30 12:00", "2026-05-01 07:45"),
        ("2026-05-01 12:00", "2026-05-05 07:45"),
        ("2023-01-04 12:00", "2023-01-05 08:45"),
    ],
)
def test_school_must_know_before_its_next_day(story, at, due):
    """
    The deadline is the start of the next school day.

    The next school day can be the same morning, or the first school day after a weekend, a holiday or a bank holiday.
    Without a known calendar, any weekday is a school day.
    """
    at, due = datetime.fromisoformat(f"{at}Z"), datetime.fromisoformat(f"{due}Z")
    story.add(at - timedelta(days=1), joined())
    story.add(at, incident(), id="incident")

    assert story.alerts("encompass_notice", as_of=due) == []
    (alert,) = story.alerts("encompass_notice", as_of=due + timedelta(seconds=1))
    assert (alert.entity_kind, alert.entity_id, alert.anchor[1]) == ("child", "P-child", "incident")
    assert (alert.severity, alert.status, alert.anchored_at, alert.deadline) == ("red", "open", due, due)


@pytest.mark.parametrize(
    ("hours", "status"), [(-3, None), (10, None), (14, None), (14 + 1 / 3600, "cleared"), (50, "cleared")]
)
def test_notice_is_in_time_or_ends_it(story, hours, status):
    at = datetime(2026, 6, 9, 17, 45, tzinfo=UTC)
    story.add(at - timedelta(days=1), joined())
    story.add(at, incident(), id="incident")
    story.add(at + timedelta(hours=hours), told(family="F-9"), id="notice")
    alerts = story.alerts("encompass_notice")

    assert [alert.status for alert in alerts] == ([status] if status else [])
    assert all(evidence(alert) == {"incident", "notice"} for alert in alerts)


def test_notice_of_something_else_does_not_count(story):
    """Notices of another incident or about another child do not count. If the incident has no id, no notice counts."""
    story.add(story.day(0), joined())
    story.add(story.day(1), incident())
    story.add(story.day(1), incident(incident_id=None))
    story.add(story.day(1.1), told(incident_id="I-2"))
    story.add(story.day(1.1), told("P-other"))

    assert [alert.status for alert in story.alerts("encompass_notice")] == ["open", "open"]


@pytest.mark.parametrize(
    ("born", "alerts"),
    [
        (date(2021, 8, 31), 1),
        (date(2021, 9, 1), 0),
        (date(2008, 6, 9), 0),
        (date(2008, 6, 10), 1),
    ],
)
def test_pupils_are_from_reception_age_to_seventeen(story, born, alerts):
    """Children born by 31 August 2021 started school in September 2025. A person who turns 18 today is not a child."""
    story.add(story.day(0), joined())
    story.add(story.day(0), PersonRecorded(person_id="P-child", date_of_birth=born))
    story.add(datetime(2026, 6, 9, 18, tzinfo=UTC), incident())

    assert len(story.alerts("encompass_notice")) == alerts


@pytest.mark.parametrize(
    ("born", "alerts"), [(date(2021, 8, 31), 1), (date(2021, 9, 1), 0), (date(2007, 8, 15), 1), (date(2007, 7, 30), 0)]
)
def test_child_who_begins_school_after_the_holidays_is_a_pupil_then(story, born, alerts):
    """
    A child who starts school after the holidays counts as a pupil on the first school day after the incident.

    A person who turns 18 in the holidays after the incident counts as well, because the person was a child at the time
    of the incident.
    """
    story.add(datetime(2025, 7, 1, tzinfo=UTC), joined())
    story.add(datetime(2025, 7, 1, tzinfo=UTC), PersonRecorded(person_id="P-child", date_of_birth=born))
    story.add(datetime(2025, 8, 10, 18, tzinfo=UTC), incident())

    assert len(story.alerts("encompass_notice")) == alerts


def test_latest_role_in_the_household_counts(story):
    """A person recorded as a child and later as a partner is an adult, so the children of that home are concerned."""
    story.add(story.day(0), joined("P-1", "F-2"))
    story.add(story.day(0), joined("P-man", "F-2", "child"))
    story.add(story.day(1), joined("P-man", "F-2", "partner"))
    story.add(story.day(2), incident(["P-man"]))

    assert [alert.entity_id for alert in story.alerts("encompass_notice")] == ["P-1"]


def test_children_of_the_family_and_of_a_named_adult_are_concerned(story):
    """
    The incident concerns the children of the family, and of the household where a named adult lives.

    The incident does not concern the other children of a household where a named child lives.
    """
    story.add(story.day(0), joined("P-1"))
    story.add(story.day(0), joined("P-unborn", role="unborn"))
    story.add(story.day(0), joined("P-man", "F-2", "father"))
    story.add(story.day(0), joined("P-2", "F-2"))
    story.add(story.day(0), joined("P-1", "F-3"))
    story.add(story.day(0), joined("P-3", "F-3"))
    story.add(story.day(1), incident(["P-man", "P-1"]))

    assert {alert.entity_id for alert in story.alerts("encompass_notice")} == {"P-1", "P-2"}


def test_second_report_adds_only_children_whom_the_first_did_not_concern(story):
    story.add(story.day(0), joined("P-1"))
    story.add(story.day(0), joined("P-man", "F-2", "father"))
    story.add(story.day(0), joined("P-2", "F-2"))
    story.add(story.day(1), incident(), id="police")
    story.add(story.day(2), incident(["P-man"]), id="school")

    assert {(alert.entity_id, alert.anchor[1]) for alert in story.alerts("encompass_notice")} == {
        ("P-1", "police"),
        ("P-2", "school"),
    }


def test_child_of_two_identifiers_is_one_child(story):
    """The alert names the identifier under which the child first joined, and the notice names the other identifier."""
    story.add(story.day(0), joined("P-2"))
    story.add(story.day(0.5), joined("P-1"))
    story.add(story.day(3), PersonsLinked(person_id="P-1", linked_person_id="P-2", link_basis="same_number"))
    story.add(story.day(1), incident())
    story.add(story.day(4), told("P-1"))

    assert [(alert.entity_id, alert.status) for alert in story.alerts("encompass_notice")] == [("P-2", "cleared")]
