"""The rule `out_of_hours`: red reports that arrive outside working hours, by default 09:00 to 17:00 in London."""

import pytest


def _referred(world, at, severity="red", **options):
    facts = {"referral_id": "R-1", "family_id": "F-1", "source_code": "6", "consent": "given"}
    return world.tell("referral-submitted", at, severity=severity, **facts | options)


def _reported(world, at, severity="red", **options):
    facts = {"escalation_id": "X-1", "family_id": "F-1", "escalation_kind": "child_missing", "source_code": "6"}
    return world.tell("escalation-reported", at, severity=severity, **facts | options)


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("out_of_hours")]


@pytest.mark.parametrize("report", [_referred, _reported])
@pytest.mark.parametrize(
    ("arrives", "alerts"),
    [
        ("2025-03-03T08:59:59.999", 1),
        ("2025-03-03T09:00:00", 0),
        ("2025-03-03T16:59:59.999", 0),
        ("2025-03-03T17:00:00", 1),
        # A Saturday, and Easter Monday.
        ("2025-03-08T12:00:00", 1),
        ("2025-04-21T12:00:00", 1),
        # In summer, 08:00 UTC is 09:00 in London, and 16:00 UTC is 17:00.
        ("2025-07-01T07:59:59.999", 1),
        ("2025-07-01T08:00:00", 0),
        ("2025-07-01T16:00:00", 1),
        # The calendar does not contain this year, so no time counts as working time.
        ("1999-03-03T12:00:00", 1),
    ],
)
def test_outside_working_hours(world, report, arrives, alerts):
    told = report(world, arrives)

    assert _anchors(world) == [told.id] * alerts


@pytest.mark.parametrize("severity", ["amber", "green"])
@pytest.mark.parametrize("report", [_referred, _reported])
def test_only_red_counts(world, report, severity):
    report(world, "2025-03-03T22:00:00", severity)

    assert _anchors(world) == []


def test_alert_is_about_the_family_with_the_report_as_evidence(world):
    told = _reported(world, "2025-03-03T22:00:00")

    (alert,) = world.alerts("out_of_hours")

    assert (alert["severity"], alert["status"], alert["entity_kind"], alert["entity_id"]) == (
        "red",
        "open",
        "family",
        "F-1",
    )
    assert [evidence["id"] for evidence in alert["evidence"]] == [told.id]
    assert alert["reason"] == "A red escalation (X-1) about family F-1 arrived outside working hours."


@pytest.mark.parametrize(
    ("happened", "arrived", "alerts"),
    [("2025-03-03T12:00:00", "2025-03-03T19:00:00", 1), ("2025-03-02T22:00:00", "2025-03-03T09:30:00", 0)],
)
def test_arrival_counts_and_not_when_it_happened(world, happened, arrived, alerts):
    _referred(world, happened, received=arrived)

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize(("happened", "alerts"), [("2025-03-03T12:00:00", 0), ("2025-03-03T22:00:00", 1)])
def test_history_counts_by_when_it_happened(world, happened, alerts):
    """History may be loaded at night, but nobody was waiting for these referrals at that time."""
    _referred(world, happened, received="2025-05-01T23:00:00", backfill=True)

    assert [alert["is_backfill"] for alert in world.alerts("out_of_hours")] == [True] * alerts


def test_each_report_is_an_alert(world):
    told = [_referred(world, "2025-03-03T20:00:00"), _reported(world, "2025-03-03T21:00:00")]

    assert _anchors(world) == [each.id for each in told]


def test_second_copy_in_the_evening_changes_nothing(world):
    world.repeat(_referred(world, "2025-03-03T12:00:00"), received="2025-03-03T22:00:00")

    assert _anchors(world) == []


def test_correction_to_red_counts_by_its_own_arrival(world):
    told = _referred(world, "2025-03-03T12:00:00", "amber")
    world.correct(told, "2025-03-03T22:00:00", severity="red")

    assert _anchors(world) == [told.id]


def test_correction_to_amber_withdraws_the_alert(world):
    told = _referred(world, "2025-03-03T22:00:00")
    world.correct(told, "2025-03-03T23:00:00", severity="amber")

    assert _anchors(world) == []


def test_withdrawn_report_withdraws_the_alert(world):
    told = _referred(world, "2025-03-03T22:00:00")
    world.withdraw(told, "2025-03-03T23:00:00")

    assert _anchors(world) == []


@pytest.mark.parametrize(
    ("sent", "corrected", "alerts"),
    [("2025-03-03T22:00:00", "2025-03-04T10:00:00", 1), ("2025-03-03T12:00:00", "2025-03-03T22:00:00", 0)],
)
def test_correction_of_something_else_changes_nothing(world, sent, corrected, alerts):
    """
    A correction that leaves the severity unchanged does not change whether there is an out-of-hours alert.

    An event that arrived red at night keeps its alert. An event that arrived red by day gets no alert.
    """
    told = _referred(world, sent)
    world.correct(told, corrected, primary_need="N1")

    assert _anchors(world) == [told.id] * alerts


def test_correction_of_history_is_history(world):
    told = _referred(world, "2025-03-03T22:00:00", received="2025-05-01T12:00:00", backfill=True)
    world.correct(told, "2025-05-02T12:00:00", primary_need="N1")

    assert [alert["is_backfill"] for alert in world.alerts("out_of_hours")] == [True]


@pytest.mark.parametrize(
    ("at", "decision", "status"),
    [
        ("2025-03-03T16:00:00", "early_help", "open"),
        ("2025-03-03T23:00:00", "mash", "open"),
        ("2025-03-04T10:00:00", "edt", "open"),
        ("2025-03-04T08:59:59", "mash", "open"),
        ("2025-03-04T09:00:00", "mash", "cleared"),
    ],
)
def test_decision_clears_it_when_the_front_door_is_staffed(world, at, decision, status):
    _referred(world, "2025-03-03T22:00:00")
    world.tell("referral-decided", at, referral_id="R-1", family_id="F-1", decision=decision)

    assert [alert["status"] for alert in world.alerts("out_of_hours")] == [status]


def test_decision_clears_no_escalation(world):
    _reported(world, "2025-03-03T22:00:00")
    world.tell("referral-decided", "2025-03-04T10:00:00", referral_id="R-1", family_id="F-1", decision="mash")

    assert [alert["status"] for alert in world.alerts("out_of_hours")] == ["open"]


@pytest.mark.parametrize(
    ("arrives", "alerts"),
    [("2025-03-03T06:59:59", 1), ("2025-03-03T07:30:00", 0), ("2025-03-03T19:59:59", 0), ("2025-03-03T20:00:00", 1)],
)
def test_hours_are_those_of_the_profile(world, working_from_7_30_to_20, arrives, alerts):
    told = _referred(world, arrives)

    assert _anchors(world) == [told.id] * alerts
