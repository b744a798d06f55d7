"""Actions that people take on an alert appear in its next version, and stay until the alert becomes more severe."""

from datetime import UTC, datetime, timedelta

import pytest

from streams import names
from streams.rules.compiled import CompiledRules, compiled_rules

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AMBER = NOW + timedelta(hours=17.5)
RED = NOW + timedelta(hours=23.5)


@pytest.fixture(scope="module")
def compiled(settings) -> CompiledRules:
    return compiled_rules(settings)


@pytest.fixture
def desk(compiled, desk_of):
    return desk_of(compiled)


@pytest.fixture
def late(desk, referral):
    """
    The amber alert about a referral that has waited for 18 hours.

    Records that the test sends later arrive after those 18 hours.
    """
    desk.take(referral(1, at=NOW - timedelta(hours=1)), now=NOW)
    [alert] = desk.wait_until(AMBER)
    desk.skip_to(AMBER)
    return alert


@pytest.fixture
def act(event):
    """Makes a record of an action that somebody took on an alert."""

    def make(kind: str, alert, number: int = 1, **data: object) -> tuple:
        said = {"alert_id": alert.alert_id, "worker_id": f"W-{number}", "family_id": alert.family_id} | data
        if kind == "closed":
            said.setdefault("alert_closure", "acted_on")
        kept = {name: value for name, value in said.items() if value is not None}
        return event(f"alert-{kind}", topic=names.ESCALATION, at=AMBER, id_=f"{kind}-{number}", **kept)

    return make


@pytest.fixture
def take_back(event):
    """Makes a record that withdraws an action on an alert."""

    def make(root: str, alert, number: int = 1) -> tuple:
        about = {"root_source": "/test", "root_id": root, "withdrawal_reason": "recorded_in_error"}
        return event(
            "withdrawn", topic=names.ESCALATION, at=AMBER, id_=f"back-{number}", family_id=alert.family_id, **about
        )

    return make


def test_acknowledgement_is_in_the_next_version(desk, late, act):
    [seen] = desk.take(act("acknowledged", late))

    assert (seen.alert_id, seen.version, seen.status, seen.status_reason) == (
        late.alert_id,
        late.version + 1,
        "open",
        "acknowledged",
    )
    assert (seen.acknowledged_by, seen.acknowledged_at) == ("W-1", AMBER)
    assert seen.recipients == late.recipients


def test_acknowledgement_at_night_calls_nobody_else(desk, late, act):
    """
    A red alert outside working hours goes to the emergency duty team.

    The acknowledgement of the alert does not go to the emergency duty team.
    """
    [red] = desk.wait_until(RED)
    desk.skip_to(RED)
    [seen] = desk.take(act("acknowledged", red), now=RED.replace(hour=23))

    assert seen.recipients == red.recipients


def test_acknowledgement_that_names_no_family_finds_its_alert(desk, late, act):
    [seen] = desk.take(act("acknowledged", late, family_id=None))

    assert (seen.alert_id, seen.acknowledged_by) == (late.alert_id, "W-1")


def test_action_on_an_unknown_alert_changes_nothing(desk, late, act):
    assert desk.take(act("closed", late, alert_id="0" * 32)) == []


def test_repeated_acknowledgement_adds_no_version(desk, late, act):
    desk.take(act("acknowledged", late))

    assert desk.take(act("acknowledged", late)) == []


def test_closed_alert_names_who_closed_it_and_why(desk, late, act):
    [closed] = desk.take(act("closed", late, alert_closure="already_known", note="Known since Monday."))

    assert (closed.status, closed.status_reason, closed.alert_closure) == ("closed", "closed", "already_known")
    assert (closed.closed_by, closed.closed_at) == ("W-1", AMBER)
    assert closed.acknowledged_by == "W-1", "who closes an alert has seen it"
    assert "Known" not in str(closed), "a note is for the desk alone"


def test_closed_alert_opens_again_when_it_becomes_more_severe(desk, late, act):
    """The red version is open, because the person who closed the amber version had not seen that it became red."""
    desk.take(act("closed", late))
    [red] = desk.wait_until(RED)

    assert (red.severity, red.status, red.status_reason) == ("red", "open", "deadline_passed")
    assert (red.closed_at, red.acknowledged_at) == (None, None)


def test_closing_before_a_change_does_not_come_back(desk, late, act, event):
    """A later event about the family does not close the red version, although the amber version was closed."""
    desk.take(act("closed", late))
    desk.wait_until(RED)
    desk.skip_to(RED)

    changed = desk.take(event("family-seen", topic=names.CASE_CHANGE, at=RED, family_id="F-1"), now=RED)
    assert [one for one in changed if one.alert_id == late.alert_id] == []


def test_red_version_can_be_acknowledged_again(desk, late, act):
    desk.take(act("acknowledged", late))
    desk.wait_until(RED)
    desk.skip_to(RED)
    [seen] = desk.take(act("acknowledged", late, 2), now=RED)

    assert (seen.severity, seen.acknowledged_by) == ("red", "W-2")


def test_withdrawn_closing_opens_the_alert_again(desk, late, act, take_back):
    desk.take(act("closed", late))
    [again] = desk.take(take_back("closed-1", late))

    assert (again.status, again.status_reason, again.closed_at) == ("open", "reopened", None)
    assert again.version == late.version + 2


def test_withdrawn_acknowledgement_is_no_longer_shown(desk, late, act, take_back):
    desk.take(act("acknowledged", late))
    [again] = desk.take(take_back("acknowledged-1", late))

    assert (again.acknowledged_at, again.status_reason) == (None, "acknowledgement_withdrawn")


def test_cleared_alert_keeps_who_acknowledged_it(desk, late, act, event):
    desk.take(act("acknowledged", late))
    decided = event("referral-decided", at=AMBER, family_id="F-1", referral_id="R-1", decision="early_help")
    cleared = next(one for one in desk.take(decided) if one.alert_id == late.alert_id)

    assert (cleared.status, cleared.acknowledged_by) == ("cleared", "W-1")


def test_superseding_alert_inherits_the_acknowledgement_and_keeps_it(desk, act, event, referral):
    """
    The anchor of a re-referral alert moves. The person who acknowledged the old alert is still working on the case.
    """
    desk.take(referral(1, at=NOW - timedelta(hours=3)), referral(3, at=NOW - timedelta(hours=1)))
    [old] = [alert for alert in desk.published if alert.rule == "re_referral"]
    desk.take(act("acknowledged", old))
    about = {"root_source": "/test", "root_id": "r-3", "withdrawal_reason": "recorded_in_error", "family_id": "F-1"}
    moved = desk.take(event("withdrawn", at=NOW, **about), referral(4, at=NOW - timedelta(hours=1)))
    [new] = [alert for alert in moved if alert.rule == "re_referral" and alert.status == "open"]
    assert (new.supersedes, new.acknowledged_by) == (old.alert_id, "W-1")

    desk.take(event("referral-decided", at=NOW, family_id="F-1", referral_id="R-4", decision="early_help"))
    latest = [alert for alert in desk.published if alert.alert_id == new.alert_id][-1]
    assert (latest.status, latest.acknowledged_by) == ("cleared", "W-1")


def test_unreadable_record_is_acknowledged_under_its_alert(desk, act):
    """The alert has no family, so the key of the acknowledgement is the alert's id."""
    [alert] = desk.take((names.ESCALATION, b"F-9", b"{"))
    assert alert.rule == "unreadable_report"
    [seen] = desk.take(act("acknowledged", alert))

    assert (seen.alert_id, seen.acknowledged_by) == (alert.alert_id, "W-1")


def test_next_watcher_continues_from_the_published_versions(desk, desk_of, compiled, late, act):
    """The next watcher knows the published versions, and to which versions a closing applies."""
    desk.take(act("closed", late))
    desk.wait_until(RED)
    desk.skip_to(RED)
    fresh = desk_of(compiled, is_new=False)
    fresh.offset = desk.offset

    [seen] = fresh.take(act("acknowledged", late, 2), now=RED)
    assert (seen.version, seen.status, seen.acknowledged_by) == (late.version + 3, "open", "W-2")
