"""Tests of the oracle on the rules about the work of practitioners and its deadlines, one test for each sentence."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.contracts import (
    CaseClosed,
    CaseOpened,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    FamilySeen,
    InformationShared,
    LeadProfessionalAssigned,
    OpenedInEmergency,
    ReferralAllocated,
    ReferralDecided,
    ReviewHeld,
    ServiceCancelled,
    ServiceDeclined,
    ServiceEnded,
    ServiceRequested,
    ServiceStarted,
    TafMeetingHeld,
)
from tests.oracle.clock import after_working_days
from tests.oracle.profile import DEFAULT

SECOND = 1 / 3600
WAIT = 126


def decided(decision="mash", number=1):
    return ReferralDecided(referral_id=f"R-{number}", family_id="F-1", decision=decision)


def allocated(number=1, family="F-1"):
    return ReferralAllocated(referral_id=f"R-{number}", family_id=family, service_id="social-care")


def requested(number=1, kind="camhs"):
    return ServiceRequested(service_request_id=f"Q-{number}", family_id="F-1", service_id="s-1", service_kind=kind)


def answered(kind=ServiceStarted, number=1):
    reason = {} if kind is ServiceStarted else {"end_reason": "other"}
    return kind(service_request_id=f"Q-{number}", family_id="F-1", **reason)


def opened(number=1):
    return CaseOpened(case_id=f"K-{number}", family_id="F-1", service_id="family-support")


def closed(number=1):
    return CaseClosed(case_id=f"K-{number}", family_id="F-1", closure_reason="RC7")


def seen():
    return FamilySeen(family_id="F-1")


def reviewed():
    return ReviewHeld(review_id="V-1", family_id="F-1")


def led():
    return LeadProfessionalAssigned(family_id="F-1", worker_id="W-1")


def shared(basis="consent"):
    return InformationShared(
        sharing_id="S-1",
        family_id="F-1",
        agency_id="gp-1",
        information_kinds=["level_of_need"],
        sharing_purpose="early_help",
        sharing_basis=basis,
    )


def opened_in_emergency():
    return OpenedInEmergency(family_id="F-1", worker_id="ann", emergency_reason="covering_desk")


def said(kind, scope="share_information"):
    return kind(family_id="F-1", consent_scope=scope)


def evidence(alert):
    return {event for _, event in alert.evidence}


@pytest.mark.parametrize(
    ("hours", "severity"),
    [(54, None), (54 + SECOND, "amber"), (72, "amber"), (72 + SECOND, "red")],
)
def test_mash_breach_begins_when_the_deadline_has_passed(story, hours, severity):
    story.add(story.day(0), decided())

    alerts = story.alerts("mash_breach", as_of=story.day(hours / 24))

    assert [(alert.severity, alert.status) for alert in alerts] == ([(severity, "open")] if severity else [])


def test_mash_breach_is_about_the_referral_and_anchored_at_the_decision(story):
    story.add(story.day(0), decided(), id="d-1")

    (alert,) = story.alerts("mash_breach")

    assert (alert.entity_kind, alert.entity_id, alert.anchor[1]) == ("referral", "R-1", "d-1")
    assert (alert.anchored_at, alert.deadline) == (story.day(54 / 24), story.day(3))
    assert evidence(alert) == {"d-1"}


@pytest.mark.parametrize(
    ("hours", "severity"),
    [(-SECOND, "red"), (0, None), (54, None), (54 + SECOND, "amber"), (72, "amber"), (72 + SECOND, "red")],
)
def test_allocation_from_the_decision_on_stops_the_clock(story, hours, severity):
    """An allocation from before the decision does not answer this decision, and does not stop the clock."""
    story.add(story.day(0), decided(), id="d-1")
    story.add(story.day(hours / 24), allocated(), id="a-1")

    alerts = story.alerts("mash_breach")

    status, stands_on = ("open", {"d-1"}) if hours < 0 else ("cleared", {"d-1", "a-1"})
    assert [(alert.severity, alert.status) for alert in alerts] == ([(severity, status)] if severity else [])
    assert all(evidence(alert) == stands_on for alert in alerts)


@pytest.mark.parametrize("other", [allocated(2), allocated(1, "F-2"), decided("no_further_action"), decided("edt")])
def test_nothing_else_stops_the_clock_of_the_mash(story, other):
    story.add(story.day(0), decided())
    story.add(story.day(1), other)

    assert [alert.status for alert in story.alerts("mash_breach")] == ["open"]


@pytest.mark.parametrize("decision", ["early_help", "signposted", "edt", "no_further_action"])
def test_only_a_decision_for_the_mash_starts_its_clock(story, decision):
    story.add(story.day(0), decided(decision))

    assert story.anchors("mash_breach") == []


def test_mash_decision_recorded_twice_has_one_clock_until_it_is_allocated(story):
    story.add(story.day(0), decided(), id="first")
    story.add(story.day(2), decided())
    story.add(story.day(9), allocated())
    story.add(story.day(10), decided(), id="again")

    assert story.anchors("mash_breach") == ["first", "again"]


def test_withdrawn_allocation_opens_the_breach_again(story):
    story.add(story.day(0), decided())
    story.add(story.day(1), allocated(), id="a-1")
    story.withdraw(story.day(2), "a-1", allocated())

    assert [alert.status for alert in story.alerts("mash_breach")] == ["open"]


@pytest.mark.parametrize(("seconds", "fires"), [(0, False), (1, True)])
def test_waiting_begins_when_the_target_has_passed(story, seconds, fires):
    story.add(story.day(0), requested(), id="q-1")

    alerts = story.alerts("waiting_too_long", as_of=story.day(WAIT, seconds))

    assert [(alert.entity_id, alert.anchor[1], alert.severity) for alert in alerts] == (
        [("F-1", "q-1", "amber")] if fires else []
    )
    assert all((alert.anchored_at, alert.deadline) == (story.day(WAIT), story.day(WAIT)) for alert in alerts)


@pytest.mark.parametrize(("kind", "days"), [("domestic_abuse", 14), ("parenting", 28), ("camhs", 126)])
def test_each_kind_of_service_has_its_target(story, kind, days):
    story.add(story.day(0), requested(kind=kind))

    assert [alert.deadline for alert in story.alerts("waiting_too_long")] == [story.day(days)]


@pytest.mark.parametrize("kind", [ServiceStarted, ServiceDeclined, ServiceCancelled])
@pytest.mark.parametrize(("seconds", "fires"), [(0, False), (1, True)])
def test_waiting_ends_with_an_answer(story, kind, seconds, fires):
    story.add(story.day(0), requested(), id="q-1")
    story.add(story.day(WAIT, seconds), answered(kind), id="answer")
    story.add(story.day(WAIT + 9), answered(kind))

    alerts = story.alerts("waiting_too_long")

    assert [(alert.status, evidence(alert)) for alert in alerts] == ([("cleared", {"q-1", "answer"})] if fires else [])


@pytest.mark.parametrize("other", [answered(number=2), answered(ServiceEnded)])
def test_nothing_else_ends_the_waiting(story, other):
    story.add(story.day(0), requested())
    story.add(story.day(1), other)

    assert [alert.status for alert in story.alerts("waiting_too_long")] == ["open"]


def test_every_request_waits_for_itself_and_once(story):
    story.add(story.day(0), requested(1), id="one")
    story.add(story.day(1), requested(2), id="two")
    story.add(story.day(2), requested(1))

    assert story.anchors("waiting_too_long") == ["one", "two"]


@pytest.mark.parametrize(("seconds", "fires"), [(0, False), (1, True)])
@pytest.mark.parametrize("contact", [seen, reviewed])
def test_case_drifts_after_42_days_without_contact(story, contact, seconds, fires):
    story.add(story.day(-1), led())
    story.add(story.day(0), opened(), id="opened")
    story.add(story.day(42, seconds), contact(), id="contact")
    story.add(story.day(50), closed())

    alerts = story.alerts("case_drift")

    assert [(alert.anchor[1], alert.severity, alert.status) for alert in alerts] == (
        [("opened", "amber", "cleared")] if fires else []
    )
    assert all(evidence(alert) == {"opened", "contact"} for alert in alerts)
    assert all((alert.entity_kind, alert.entity_id) == ("family", "F-1") for alert in alerts)


def test_case_that_drifts_again_is_another_alert(story):
    """The second clock begins with the contact that ended the first clock. The opening is evidence of both alerts."""
    story.add(story.day(0), opened(), id="opened")
    story.add(story.day(1), led())
    story.add(story.day(50), seen(), id="seen")
    story.add(story.day(60), TafMeetingHeld(meeting_id="T-1", family_id="F-1"))

    first, second = story.alerts("case_drift")

    assert (first.anchor[1], first.anchored_at, first.status) == ("opened", story.day(42), "cleared")
    assert (second.anchor[1], second.anchored_at, second.status) == ("seen", story.day(92), "open")
    assert (evidence(first), evidence(second)) == ({"opened", "seen"}, {"opened", "seen"})
    assert second.deadline == second.anchored_at


@pytest.mark.parametrize(("seconds", "fires"), [(0, False), (1, True)])
def test_closed_case_does_not_drift(story, seconds, fires):
    story.add(story.day(-1), led())
    story.add(story.day(0), opened(), id="opened")
    story.add(story.day(42, seconds), closed(), id="closed")

    alerts = story.alerts("case_drift")

    assert [(alert.status, evidence(alert)) for alert in alerts] == (
        [("cleared", {"opened", "closed"})] if fires else []
    )


def test_family_is_open_while_any_case_is(story):
    """A second case starts no clock, and closing the first case ends no clock."""
    story.add(story.day(-1), led())
    story.add(story.day(0), opened(1), id="opened")
    story.add(story.day(30), opened(2))
    story.add(story.day(35), closed(1))

    assert [(alert.anchor[1], alert.anchored_at) for alert in story.alerts("case_drift")] == [("opened", story.day(42))]


def test_contact_before_the_opening_starts_no_clock(story):
    story.add(story.day(-90), seen())
    story.add(story.day(-1), led())
    story.add(story.day(0), opened())

    assert story.alerts("case_drift", as_of=story.day(42)) == []


@pytest.mark.parametrize(("seconds", "fires"), [(0, False), (1, True)])
def test_case_drifts_without_a_lead_professional(story, seconds, fires):
    """The clock runs from noon on Monday 5 January to noon one week later."""
    story.add(story.day(0), opened(), id="opened")
    story.add(story.day(7, seconds), led(), id="led")
    story.add(story.day(20), closed())

    alerts = story.alerts("case_drift")

    assert [(alert.anchor[1], alert.anchored_at, alert.status, evidence(alert)) for alert in alerts] == (
        [("opened", story.day(7), "cleared", {"opened", "led"})] if fires else []
    )


def test_both_clocks_of_an_opening_are_one_alert(story):
    """The alert opens again when the second deadline passes, and is cleared when both clocks have ended."""
    story.add(story.day(0), opened(), id="opened")
    story.add(story.day(10), led(), id="led")

    (before,) = story.alerts("case_drift", as_of=story.day(42))
    (after,) = story.alerts("case_drift", as_of=story.day(42, 1))
    story.add(story.day(43), seen(), id="seen")
    (ended,) = story.alerts("case_drift", as_of=story.day(44))

    assert before.alert_id == after.alert_id == ended.alert_id
    assert [each.status for each in (before, after, ended)] == ["cleared", "open", "cleared"]
    assert {each.anchored_at for each in (before, after, ended)} == {story.day(7)}
    assert evidence(after) == {"opened", "led"}
    assert evidence(ended) == {"opened", "led", "seen"}


def test_lead_professional_counts_if_assigned_since_the_last_closure(story):
    story.add(story.day(0), led())
    story.add(story.day(1), opened())
    story.add(story.day(2), closed())
    story.add(story.day(3), opened(2), id="opened")

    assert story.anchors("case_drift", as_of=story.day(20)) == ["opened"]

    story.add(story.day(2.5), led())

    assert story.anchors("case_drift", as_of=story.day(20)) == []


@pytest.mark.parametrize(
    ("at", "after"),
    [
        ((2026, 1, 5, 12), (2026, 1, 12, 12)),
        ((2026, 1, 5, 9), (2026, 1, 9, 17)),
        ((2026, 1, 5, 6), (2026, 1, 9, 17)),
        ((2026, 1, 5, 17), (2026, 1, 12, 17)),
        ((2026, 1, 10, 12), (2026, 1, 16, 17)),
        ((2026, 3, 27, 12), (2026, 4, 7, 11)),  # Good Friday and Easter Monday lie in between, and the clocks change
        ((2025, 12, 23, 10), (2026, 1, 2, 10)),
    ],
)
def test_working_days_are_days_of_working_hours(at, after):
    five = after_working_days(datetime(*at, tzinfo=UTC), 5, DEFAULT)

    assert five == datetime(*after, tzinfo=UTC)


@pytest.mark.parametrize(
    ("basis", "fires"),
    [
        ("none", True),
        ("consent", True),
        ("public_task", False),
        ("legal_obligation", False),
        ("vital_interests", False),
    ],
)
def test_sharing_needs_a_basis(story, basis, fires):
    """Nobody asked the family for consent, so no consent is in force."""
    story.add(story.day(0), shared(basis), id="shared")

    alerts = story.alerts("no_basis_to_share")

    assert [(each.entity_id, each.anchor[1], each.severity, each.status, evidence(each)) for each in alerts] == (
        [("F-1", "shared", "amber", "open", {"shared"})] if fires else []
    )


@pytest.mark.parametrize(
    ("answers", "stands_on"),
    [
        ([ConsentGiven], None),
        ([ConsentRefused], "answer-0"),
        ([ConsentGiven, ConsentWithdrawn], "answer-1"),
        ([ConsentGiven, ConsentRefused], "answer-1"),
        ([ConsentWithdrawn, ConsentGiven], None),
    ],
)
def test_consent_is_in_force_from_its_giving_until_it_is_taken_back(story, answers, stands_on):
    for number, kind in enumerate(answers):
        story.add(story.day(number), said(kind), id=f"answer-{number}")
    story.add(story.day(9), shared(), id="shared")

    alerts = story.alerts("no_basis_to_share")

    assert [evidence(alert) for alert in alerts] == ([{"shared", stands_on}] if stands_on else [])


@pytest.mark.parametrize(("id_", "fires"), [("a", False), ("z", True)])
def test_answer_of_the_same_instant_is_ordered_by_id(story, id_, fires):
    story.add(story.day(0), shared(), id="m")
    story.add(story.day(0), said(ConsentGiven), id=id_)

    assert bool(story.anchors("no_basis_to_share")) == fires


def test_later_consent_allows_nothing_that_was_shared_before(story):
    story.add(story.day(0), shared(), id="shared")
    story.add(story.day(1), said(ConsentGiven))
    story.add(story.day(2), shared())

    assert [(alert.anchor[1], alert.status) for alert in story.alerts("no_basis_to_share")] == [("shared", "open")]


def test_consent_to_receive_help_is_not_consent_to_share(story):
    story.add(story.day(0), said(ConsentGiven, "receive_help"))
    story.add(story.day(1), shared(), id="one")
    story.add(story.day(2), said(ConsentGiven))
    story.add(story.day(3), said(ConsentWithdrawn, "receive_help"))
    story.add(story.day(4), shared())

    assert story.anchors("no_basis_to_share") == ["one"]


def test_sharing_on_no_basis_is_not_healed_by_a_consent(story):
    story.add(story.day(0), said(ConsentGiven))
    story.add(story.day(1), shared("none"), id="shared")

    assert [evidence(alert) for alert in story.alerts("no_basis_to_share")] == [{"shared"}]


def test_withdrawal_that_arrives_late_raises_the_alert(story):
    story.add(story.day(0), said(ConsentGiven))
    story.add(story.day(2), shared(), id="shared")
    story.add(story.day(1), said(ConsentWithdrawn), received=story.day(2) + timedelta(days=9))

    assert story.anchors("no_basis_to_share") == ["shared"]


def test_each_opening_in_an_emergency_is_an_alert_and_nothing_clears_it(story):
    """The same account may open the same family again for the same reason, and that is another alert."""
    for number in (0, 0, 1):
        story.add(story.day(number), opened_in_emergency(), id=f"opened-{number}")
    story.add(story.day(2), seen())

    alerts = story.alerts("opened_without_right")

    assert [(alert.entity_id, alert.anchor[1], alert.severity, alert.status, evidence(alert)) for alert in alerts] == [
        ("F-1", "opened-0", "amber", "open", {"opened-0"}),
        ("F-1", "opened-1", "amber", "open", {"opened-1"}),
    ]
