from datetime import UTC, datetime, timedelta

import pytest

from streams import names

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def desk(rules, desk_of):
    return desk_of(rules)


@pytest.fixture
def pair(referral) -> list[tuple]:
    """Two referrals of one family that have waited only a short time for a decision, so neither is overdue."""
    return [referral(1, at=NOW - timedelta(hours=2)), referral(2, at=NOW - timedelta(hours=1))]


def amendment(event, kind: str, root: str, **data: object) -> tuple:
    about = {"root_source": "/test", "root_id": root, "withdrawal_reason": "recorded_in_error"}
    return event(kind, at=NOW, **about | data)


def test_alert_names_its_evidence_and_family(desk, pair):
    """Both referrals are evidence, and the later referral is the anchor."""
    [alert] = desk.take(*pair)

    assert (alert.rule, alert.family_id, alert.version, alert.status) == ("re_referral", "F-1", 1, "open")
    assert {"r-1", "r-2"} == {item.id for item in alert.evidence}
    assert alert.anchor_id == "r-2"
    assert alert.case_url == "https://cases.example/F-1"


def test_repeated_record_changes_nothing(desk, pair):
    """A copy of a record at a later offset is not new evidence."""
    desk.take(*pair)

    assert desk.take(*pair) == []


def test_withdrawn_event_withdraws_its_alert(desk, pair, event):
    """The alert keeps its id, and a new version with the reason is published."""
    [alert] = desk.take(*pair)
    [back] = desk.take(amendment(event, "withdrawn", "r-1", family_id="F-1"))

    assert (alert.alert_id, 2, "withdrawn", "event_withdrawn") == (
        back.alert_id,
        back.version,
        back.status,
        back.status_reason,
    )


def test_corrected_event_withdraws_its_alert(desk, pair, event, referral):
    """A correction moves the earlier referral two years back, so it no longer counts as an earlier referral."""
    desk.take(*pair)
    data = {"referral_id": "R-1", "family_id": "F-1", "source_code": "6", "severity": "amber", "consent": "given"}
    correction = amendment(
        event,
        "corrected",
        "r-1",
        replaced_type="uk.caf.referral.referral-submitted.v1",
        replaced_time="2024-01-01T00:00:00Z",
        replacement=data,
    )
    versions = desk.take(correction)

    assert [alert.status_reason for alert in versions if alert.rule == "re_referral"] == ["event_corrected"]


def test_restored_event_raises_the_same_alert_again(desk, pair, event):
    """A correction that comes after a withdrawal opens the alert again under the same id."""
    desk.take(*pair)
    desk.take(amendment(event, "withdrawn", "r-1", family_id="F-1"))
    data = {"referral_id": "R-1", "family_id": "F-1", "source_code": "6", "severity": "amber", "consent": "given"}
    about = {"root_source": "/test", "root_id": "r-1", "withdrawal_reason": "more_accurate"}
    replacement = {
        "replaced_type": "uk.caf.referral.referral-submitted.v1",
        "replaced_time": (NOW - timedelta(hours=2)).isoformat(),
        "replacement": data,
    }
    [again] = desk.take(event("corrected", at=NOW + timedelta(minutes=1), **about, **replacement))

    assert (again.version, again.status, again.status_reason) == (3, "open", "reopened")


def test_moved_anchor_supersedes_the_alert(desk, referral, event):
    """A referral that is recorded again under another event id starts a new breach alert, which names the old alert."""
    [old] = desk.take(referral(1, at=NOW - timedelta(hours=20)))
    anew = event(
        "referral-submitted",
        at=NOW - timedelta(hours=19),
        referral_id="R-1",
        family_id="F-1",
        source_code="6",
        severity="amber",
        consent="given",
    )
    versions = {
        alert.alert_id: alert for alert in desk.take(amendment(event, "withdrawn", "r-1", family_id="F-1"), anew)
    }
    gone = versions.pop(old.alert_id)
    [new] = versions.values()

    assert (gone.status, gone.status_reason) == ("withdrawn", "superseded")
    assert (old.alert_id, 1, "open") == (new.supersedes, new.version, new.status)


def test_late_evidence_is_a_new_version(desk, referral):
    """An earlier referral that arrives late becomes evidence of the existing alert."""
    desk.take(referral(1, at=NOW - timedelta(hours=3)), referral(3, at=NOW - timedelta(hours=1)))
    versions = desk.take(referral(2, at=NOW - timedelta(hours=2)))

    assert {("r-2", 1, None), ("r-3", 2, "new_evidence")} == {
        (alert.anchor_id, alert.version, alert.status_reason) for alert in versions
    }


def test_alert_of_a_passed_deadline_has_the_deadline_as_its_time(desk, referral):
    """After 18 hours without a decision the alert is amber. After 24 hours a second version of the alert is red."""
    desk.take(referral(1, at=NOW))
    amber_at, red_at = NOW + timedelta(hours=18), NOW + timedelta(hours=24)

    assert desk.wait_until(amber_at) == []
    [amber] = desk.wait_until(amber_at + timedelta(seconds=1))
    [red] = desk.wait_until(red_at + timedelta(seconds=1))

    assert ("amber", amber_at, 1) == (amber.severity, amber.received_at, amber.version)
    assert ("red", red_at, 2, "deadline_passed") == (red.severity, red.received_at, red.version, red.status_reason)
    assert amber.alert_id == red.alert_id


def test_decision_in_time_leaves_no_deadline(desk, referral, event):
    """A referral that has a decision does not breach, however much time passes."""
    desk.take(referral(1, at=NOW))
    decision = {"referral_id": "R-1", "family_id": "F-1", "decision": "early_help"}
    desk.take(event("referral-decided", at=NOW + timedelta(minutes=1), **decision))

    assert desk.wait_until(NOW + timedelta(days=3)) == []


def test_breach_clears_with_the_decision(desk, referral, event):
    """The alert is cleared, and the decision becomes evidence."""
    desk.take(referral(1, at=NOW - timedelta(hours=30)))
    decision = {"referral_id": "R-1", "family_id": "F-1", "decision": "early_help"}
    [cleared] = desk.take(event("referral-decided", at=NOW, **decision))

    assert (cleared.status, cleared.status_reason, cleared.version) == ("cleared", "cleared", 2)


def test_unreadable_record_raises_an_alert_without_its_content(desk):
    """An unreadable record on a safeguarding topic raises a red alert, which contains only the record's position."""
    [alert] = desk.take((names.ESCALATION, b"F-1", b"\xff secret"))

    assert ("unreadable_report", "red", f"{names.ESCALATION}/0/0", None) == (
        alert.rule,
        alert.severity,
        alert.entity_id,
        alert.family_id,
    )
    assert "secret" not in str(alert)


def test_unreadable_case_change_raises_no_alert(desk):
    """The record is quarantined like any other rejected record, but the record is not a report about a child."""
    assert desk.take((names.CASE_CHANGE, b"F-1", b"\xff")) == []


def test_replayed_record_clears_the_unreadable_one(desk, referral):
    """A record that is sent again names the rejected record in a header."""
    desk.take((names.REFERRAL, b"F-1", b"{"))
    versions = desk.take((*referral(1, at=NOW), [("caf-replay-of", f"{names.REFERRAL}/0/0".encode())]))

    assert [(alert.rule, alert.status) for alert in versions] == [("unreadable_report", "cleared")]


def test_backfilled_alert_is_marked(desk, referral):
    """Alerts from history are marked as backfill and never routed to any recipient."""
    hours = [NOW - timedelta(hours=2), NOW - timedelta(hours=1)]
    [alert] = desk.take(*(referral(n, at=at, backfill=True) for n, at in enumerate(hours)))

    assert alert.backfill


def test_shuffled_arrival_gives_the_same_alerts(rules, desk_of, referral, event):
    """The final alerts are the same for every order of arrival."""
    records = [referral(n, f"F-{n % 3}", at=NOW - timedelta(hours=n)) for n in range(9)]
    records.append(amendment(event, "withdrawn", "r-4", family_id="F-1"))
    orders = [records, records[::-1], records[5:] + records[:5]]
    standing = []
    for order in orders:
        desk = desk_of(rules)
        for record in order:
            desk.take(record)
        latest = {alert.alert_id: alert for alert in sorted(desk.published, key=lambda alert: alert.version)}
        evidence = {
            id_: (alert.severity, alert.status, frozenset(item.id for item in alert.evidence))
            for id_, alert in latest.items()
            if alert.status != "withdrawn"
        }
        standing.append(evidence)

    assert standing[0] == standing[1] == standing[2] != {}


def test_trial_is_raised_once(desk, event):
    """A request for a test alert raises exactly one alert, which is marked as a test."""
    request = event(
        "alert-acknowledged", topic=names.ESCALATION, at=NOW, alert_id="test-1", worker_id="caf-test", id_="test-1"
    )
    [alert] = desk.take(request)

    assert alert.test
    assert desk.take(request) == []


def test_alert_is_for_those_its_routes_name(desk, referral):
    """
    Each alert version contains its recipients and the version of the routes.

    When a later evaluation no longer finds the alert, a withdrawal is published to the same recipients.
    """
    [alert] = desk.take(*(referral(n, at=NOW - timedelta(hours=3 - n)) for n in (1, 2)))

    assert [(who.role, who.id) for who in alert.recipients] == [("front_door", "E08000015")]
    assert alert.routing_version == "default-1"


def test_alert_that_reaches_nobody_is_reported_once(rules, desk_of, referral):
    """However many versions follow, one alert reports the missing recipients. No later version withdraws that alert."""
    desk = desk_of(rules, ())
    first = desk.take(*(referral(n, at=NOW - timedelta(hours=4 - n)) for n in (1, 3)))
    later = desk.take(referral(2, at=NOW - timedelta(hours=2.5)))

    assert {"re_referral", "route_reaches_nobody"} == {alert.rule for alert in first}
    assert [alert.entity_id for alert in later if alert.rule == "route_reaches_nobody"] == [
        alert.alert_id for alert in later if alert.rule == "re_referral" and alert.version == 1
    ]
