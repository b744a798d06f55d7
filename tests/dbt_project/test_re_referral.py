"""The rule `re_referral`: twelve calendar months, a different incident, and every valid earlier referral."""

import pytest


def _referral(world, at, number, incident=None, **options):
    return world.tell(
        "referral-submitted",
        at,
        referral_id=f"R-{number}",
        family_id=options.pop("family", "F-1"),
        source_code="2A",
        severity="amber",
        consent="given",
        incident_id=incident,
        **options,
    )


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("re_referral")]


@pytest.mark.parametrize(
    ("earlier", "later", "alerts"),
    [
        ("2025-03-03T09:00:00", "2026-03-03T09:00:00", 1),
        ("2025-03-03T08:59:59", "2026-03-03T09:00:00", 0),
        # In London, twelve calendar months from 09:00 in winter end at 09:00 in summer, which is 08:00 UTC.
        ("2024-03-30T09:00:00", "2025-03-30T08:00:00", 1),
        ("2024-03-30T08:59:59", "2025-03-30T08:00:00", 0),
        # The hour that occurs twice on 26 October 2025 counts from its first occurrence.
        ("2025-10-26T00:30:00", "2026-10-26T01:30:00", 1),
        ("2025-10-26T00:29:59", "2026-10-26T01:30:00", 0),
        ("2024-02-28T12:00:00", "2025-02-28T12:00:00", 1),
        ("2024-02-29T12:00:00", "2025-03-01T12:00:00", 0),
        ("2023-02-28T12:00:00", "2024-02-29T12:00:00", 1),
    ],
)
def test_twelve_calendar_months(world, earlier, later, alerts):
    _referral(world, earlier, 1)
    _referral(world, later, 2)

    assert len(_anchors(world)) == alerts


def test_latest_earlier_referral_is_evidence(world):
    _referral(world, "2025-01-01T09:00:00", 1)
    second = _referral(world, "2025-02-01T09:00:00", 2)
    third = _referral(world, "2025-03-01T09:00:00", 3)

    alert = world.alerts("re_referral")[-1]

    assert (alert["severity"], alert["status"], alert["anchor_id"]) == ("amber", "open", third.id)
    assert [evidence["id"] for evidence in alert["evidence"]] == [second.id, third.id]


def test_each_re_referral_is_an_alert(world):
    _referral(world, "2025-01-01T09:00:00", 1)
    second = _referral(world, "2025-02-01T09:00:00", 2)
    third = _referral(world, "2025-03-01T09:00:00", 3)

    assert _anchors(world) == [second.id, third.id]


def test_same_incident_is_not_a_re_referral(world):
    _referral(world, "2025-01-01T09:00:00", 1, "I-1")
    _referral(world, "2025-02-01T09:00:00", 2, "I-1")

    assert _anchors(world) == []


def test_referral_submitted_again_is_the_same_referral(world):
    _referral(world, "2025-01-01T09:00:00", 1)
    _referral(world, "2025-02-01T09:00:00", 1)

    assert _anchors(world) == []


@pytest.mark.parametrize(
    ("decision", "status"), [("early_help", "cleared"), ("no_further_action", "cleared"), ("edt", "open")]
)
def test_decision_on_the_re_referral_clears_it(world, decision, status):
    _referral(world, "2025-01-01T09:00:00", 1)
    _referral(world, "2025-02-01T09:00:00", 2)
    world.tell("referral-decided", "2025-02-01T12:00:00", referral_id="R-2", family_id="F-1", decision=decision)

    assert [alert["status"] for alert in world.alerts("re_referral")] == [status]


def test_earlier_referral_on_the_same_incident_is_passed_over(world):
    first = _referral(world, "2025-01-01T09:00:00", 1)
    _referral(world, "2025-02-01T09:00:00", 2, "I-1")
    third = _referral(world, "2025-03-01T09:00:00", 3, "I-1")

    alert = world.alerts("re_referral")[-1]

    assert [evidence["id"] for evidence in alert["evidence"]] == [first.id, third.id]


def test_referral_sent_again_after_another_is_evaluated_again(world):
    _referral(world, "2025-01-01T09:00:00", 1)
    second = _referral(world, "2025-02-01T09:00:00", 2)
    again = _referral(world, "2025-03-01T09:00:00", 1)

    assert _anchors(world) == [second.id, again.id]


def test_no_further_action_counts(world):
    _referral(world, "2025-01-01T09:00:00", 1)
    world.tell(
        "referral-decided", "2025-01-01T12:00:00", referral_id="R-1", family_id="F-1", decision="no_further_action"
    )
    _referral(world, "2025-02-01T09:00:00", 2)

    assert len(_anchors(world)) == 1


def test_other_families_referrals_do_not_count(world):
    _referral(world, "2025-01-01T09:00:00", 1, family="F-2")
    _referral(world, "2025-02-01T09:00:00", 2)

    assert _anchors(world) == []


def test_same_moment_is_ordered_by_id(world):
    _referral(world, "2025-01-01T09:00:00", 1, event_id="b")
    _referral(world, "2025-01-01T09:00:00", 2, event_id="a")

    assert _anchors(world) == ["b"]


def test_late_referral_makes_the_later_one_a_re_referral(world):
    second = _referral(world, "2025-02-01T09:00:00", 2)
    _referral(world, "2025-01-01T09:00:00", 1, received="2025-03-01T09:00:00")

    assert _anchors(world) == [second.id]


def test_withdrawn_earlier_referral_withdraws_the_alert(world):
    first = _referral(world, "2025-01-01T09:00:00", 1)
    _referral(world, "2025-02-01T09:00:00", 2)
    world.withdraw(first, "2025-03-01T09:00:00")

    assert _anchors(world) == []


def test_corrected_incident_withdraws_the_alert(world):
    _referral(world, "2025-01-01T09:00:00", 1, "I-1")
    second = _referral(world, "2025-02-01T09:00:00", 2)
    world.correct(second, "2025-03-01T09:00:00", incident_id="I-1")

    assert _anchors(world) == []


def test_duplicate_is_not_a_re_referral(world):
    world.repeat(_referral(world, "2025-01-01T09:00:00", 1), "2025-02-01T09:00:00")

    assert _anchors(world) == []
