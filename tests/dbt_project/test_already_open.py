"""The rule `already_open`: referrals about a family that already receives a service."""

import pytest


def _opened(world, at, case="K-1", **options):
    family = options.pop("family", "F-1")
    return world.tell("case-opened", at, case_id=case, family_id=family, service_id="early-help", **options)


def _closed(world, at, case="K-1", **options):
    return world.tell("case-closed", at, case_id=case, family_id="F-1", closure_reason="RC7", **options)


def _referred(world, at, referral="R-1", **options):
    facts = {"family_id": "F-1", "source_code": "2A", "severity": "amber", "consent": "given"}
    return world.tell("referral-submitted", at, referral_id=referral, **facts | options)


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("already_open")]


def test_referral_on_an_open_family_has_referral_and_opening_as_evidence(world):
    opened = _opened(world, "2025-03-01T09:00:00")
    referred = _referred(world, "2025-04-01T09:00:00")

    (alert,) = world.alerts("already_open")

    assert (alert["severity"], alert["status"], alert["anchor_id"]) == ("amber", "open", referred.id)
    assert (alert["entity_kind"], alert["entity_id"]) == ("family", "F-1")
    assert [evidence["id"] for evidence in alert["evidence"]] == [opened.id, referred.id]
    assert alert["reason"] == "Family F-1 was referred (R-1) while it was open to a service."


@pytest.mark.parametrize(("severity", "expected"), [("red", "red"), ("amber", "amber"), ("green", "amber")])
def test_red_referral_is_a_red_alert(world, severity, expected):
    _opened(world, "2025-03-01T09:00:00")
    _referred(world, "2025-04-01T09:00:00", severity=severity)

    assert [alert["severity"] for alert in world.alerts("already_open")] == [expected]


@pytest.mark.parametrize(
    ("at", "alerts"),
    [
        ("2025-03-01T08:59:59", 0),
        ("2025-03-01T09:00:01", 1),
        ("2025-04-01T08:59:59", 1),
        ("2025-04-01T09:00:01", 0),
    ],
)
def test_open_from_the_opening_to_the_closure(world, at, alerts):
    _opened(world, "2025-03-01T09:00:00")
    _closed(world, "2025-04-01T09:00:00")
    referred = _referred(world, at)

    assert _anchors(world) == [referred.id] * alerts


@pytest.mark.parametrize(("referral_id", "alerts"), [("a", 0), ("c", 1)])
def test_same_moment_is_ordered_by_id(world, referral_id, alerts):
    _opened(world, "2025-03-01T09:00:00", event_id="b")
    _referred(world, "2025-03-01T09:00:00", event_id=referral_id)

    assert len(_anchors(world)) == alerts


def test_family_is_open_until_its_last_case_closes(world):
    opened = _opened(world, "2025-03-01T09:00:00")
    _opened(world, "2025-03-02T09:00:00", "K-2")
    _closed(world, "2025-03-03T09:00:00")
    _referred(world, "2025-03-04T09:00:00")
    _closed(world, "2025-03-05T09:00:00", "K-2")
    _referred(world, "2025-03-06T09:00:00", "R-2")

    (alert,) = world.alerts("already_open")

    assert alert["evidence"][0]["id"] == opened.id


def test_opened_again_is_another_opening(world):
    _opened(world, "2025-03-01T09:00:00")
    _closed(world, "2025-03-02T09:00:00")
    again = _opened(world, "2025-03-03T09:00:00")
    _referred(world, "2025-03-04T09:00:00")

    (alert,) = world.alerts("already_open")

    assert alert["evidence"][0]["id"] == again.id


@pytest.mark.parametrize(
    ("decision", "status"), [("routed_to_open_service", "cleared"), ("no_further_action", "cleared"), ("edt", "open")]
)
def test_decision_of_the_front_door_clears_it(world, decision, status):
    _opened(world, "2025-03-01T09:00:00")
    _referred(world, "2025-04-01T09:00:00")
    world.tell("referral-decided", "2025-04-01T12:00:00", referral_id="R-1", family_id="F-1", decision=decision)

    assert [alert["status"] for alert in world.alerts("already_open")] == [status]


def test_each_referral_is_an_alert_and_one_sent_again_is_not_another(world):
    _opened(world, "2025-03-01T09:00:00")
    first = _referred(world, "2025-04-01T09:00:00")
    second = _referred(world, "2025-04-02T09:00:00", "R-2")
    _referred(world, "2025-04-03T09:00:00")
    world.repeat(second, "2025-04-04T09:00:00")

    assert _anchors(world) == [first.id, second.id]


def test_family_that_was_never_open_raises_nothing(world):
    _opened(world, "2025-03-01T09:00:00", family="F-2")
    _referred(world, "2025-04-01T09:00:00")

    assert _anchors(world) == []


def test_late_opening_raises_it(world):
    referred = _referred(world, "2025-04-01T09:00:00")
    _opened(world, "2025-03-01T09:00:00", received="2025-05-01T09:00:00")

    assert _anchors(world) == [referred.id]


def test_closure_corrected_to_an_earlier_time_withdraws_the_alert(world):
    _opened(world, "2025-03-01T09:00:00")
    _referred(world, "2025-04-01T09:00:00")
    closed = _closed(world, "2025-04-02T09:00:00")
    world.correct(closed, "2025-05-01T09:00:00", fact_at="2025-03-31T09:00:00")

    assert _anchors(world) == []


@pytest.mark.parametrize("which", [0, 1])
def test_withdrawn_opening_or_referral_withdraws_the_alert(world, which):
    told = _opened(world, "2025-03-01T09:00:00"), _referred(world, "2025-04-01T09:00:00")
    world.withdraw(told[which], "2025-05-01T09:00:00")

    assert _anchors(world) == []


@pytest.mark.parametrize(
    ("decided", "status"),
    [("2025-04-02T09:00:00", "open"), ("2025-04-03T09:00:01", "cleared")],
    ids=["before", "after"],
)
def test_referral_sent_again_as_red_is_red(world, decided, status):
    """A decision from before the referral was called red does not count. The alert keeps its anchor."""
    opened = _opened(world, "2025-03-01T09:00:00")
    first = _referred(world, "2025-04-01T09:00:00")
    again = _referred(world, "2025-04-03T09:00:00", severity="red")
    world.tell("referral-decided", decided, referral_id="R-1", family_id="F-1", decision="early_help")

    (alert,) = world.alerts("already_open")

    assert (alert["severity"], alert["status"], alert["anchor_id"]) == ("red", status, first.id)
    assert [evidence["id"] for evidence in alert["evidence"]] == [opened.id, first.id, again.id]


def test_red_that_is_sent_again_as_amber_stays_red(world):
    _opened(world, "2025-03-01T09:00:00")
    first = _referred(world, "2025-04-01T09:00:00", severity="red")
    _referred(world, "2025-04-03T09:00:00")

    (alert,) = world.alerts("already_open")

    assert (alert["severity"], alert["anchor_id"]) == ("red", first.id)


def test_withdrawn_red_submission_makes_it_amber(world):
    _opened(world, "2025-03-01T09:00:00")
    _referred(world, "2025-04-01T09:00:00")
    world.withdraw(_referred(world, "2025-04-03T09:00:00", severity="red"), "2025-04-04T09:00:00")

    assert [alert["severity"] for alert in world.alerts("already_open")] == ["amber"]


def test_referral_from_before_the_opening_counts_when_it_is_sent_again(world):
    _referred(world, "2025-02-01T09:00:00")
    _opened(world, "2025-03-01T09:00:00")
    again = _referred(world, "2025-04-01T09:00:00")

    assert _anchors(world) == [again.id]


def test_history_that_is_sent_again_as_red_is_news(world):
    _opened(world, "2025-03-01T09:00:00")
    _referred(world, "2025-04-01T09:00:00", backfill=True)
    _referred(world, "2025-04-03T09:00:00", severity="red")

    assert [alert["is_backfill"] for alert in world.alerts("already_open")] == [False]


def test_same_referral_of_another_family_is_another(world):
    """
    Two families use the same referral id.

    A decision on the referral of one family does not count for the referral of the other family. Only the family that
    is open has an alert.
    """
    _opened(world, "2025-03-01T09:00:00")
    first = _referred(world, "2025-04-01T09:00:00")
    _referred(world, "2025-04-02T09:00:00", family_id="F-2", severity="red")
    world.tell("referral-decided", "2025-04-03T09:00:00", referral_id="R-1", family_id="F-2", decision="early_help")

    (alert,) = world.alerts("already_open")

    assert (alert["anchor_id"], alert["severity"], alert["status"]) == (first.id, "amber", "open")
