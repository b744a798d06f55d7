"""An alert follows its family to another area, and shows no place while the family's address is protected."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams import names
from streams.contracts.outputs import Alert
from streams.rules.compiled import CompiledRules, compiled_rules

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BIRKENHEAD, WALLASEY, AUTHORITY = "E01007119", "E01007203", "E08000015"


@pytest.fixture(scope="module")
def compiled(settings) -> CompiledRules:
    return compiled_rules(settings)


@pytest.fixture
def desk(compiled, desk_of):
    return desk_of(compiled)


@pytest.fixture
def refer(desk, referral):
    """Sends two referrals of a family, which raise an alert of the rule `re_referral`. Returns the alert."""

    def refer(**rest: object) -> Alert:
        alerts = desk.take(*(referral(number, at=NOW - timedelta(hours=3 - number), **rest) for number in (1, 2)))
        return next(alert for alert in alerts if alert.rule == "re_referral")

    return refer


@pytest.fixture
def move(event):
    """Makes a record of a family's new address."""

    def make(lsoa: str | None, number: int = 1, **rest: object) -> tuple:
        at = NOW + timedelta(minutes=number)
        address = {"family_id": "F-1", "address_id": f"U-{number}", "lsoa_code": lsoa}
        return event("address-changed", topic=names.CASE_CHANGE, at=at, id_=f"move-{number}", **address | rest)

    return make


@pytest.fixture
def close(event):
    """Makes a record that closes an alert."""

    def make(alert: Alert) -> tuple:
        about = {"alert_id": alert.alert_id, "family_id": alert.family_id}
        return event("alert-closed", topic=names.ESCALATION, at=NOW, worker_id="W-1", alert_closure="acted_on", **about)

    return make


def reached(alert: Alert) -> set[str]:
    return {f"{who.role}/{who.id}" for who in alert.recipients}


def of(alert: Alert, versions: list[Alert]) -> list[Alert]:
    return [one for one in versions if one.alert_id == alert.alert_id]


def test_open_alert_follows_its_family_to_another_area(desk, refer, move):
    """No rule of the alert reads the address. The desk of the new area gets the alert as it stands."""
    old = refer(lsoa_code=BIRKENHEAD)
    [new] = of(old, desk.take(move(WALLASEY)))

    assert (old.area, new.area) == ("birkenhead", "wallasey")
    assert (new.version, new.status, new.status_reason) == (old.version + 1, "open", "area_changed")
    assert (new.severity, new.evidence, new.anchored_at) == (old.severity, old.evidence, old.anchored_at)
    assert old.received_at < new.received_at
    assert reached(new) == {"front_door/birkenhead", "front_door/wallasey"}


def test_report_with_another_place_moves_the_alert_as_well(desk, refer, event):
    old = refer(lsoa_code=BIRKENHEAD)
    contact = event("contact-recorded", at=NOW, contact_id="C-1", family_id="F-1", source_code="6", lsoa_code=WALLASEY)

    assert [alert.area for alert in of(old, desk.take(contact))] == ["wallasey"]


def test_protected_address_takes_area_and_desks_of_places_from_an_alert(desk, refer, move):
    """
    The authority's own desk gets the alert instead.

    The reason does not tell whether the family moved or its address is protected.
    """
    old = refer(lsoa_code=BIRKENHEAD)
    [hidden] = of(old, desk.take(move(BIRKENHEAD, is_address_protected=True)))

    assert (hidden.area, reached(hidden), hidden.status_reason) == (None, {f"front_door/{AUTHORITY}"}, "area_changed")
    assert "birkenhead" not in str(hidden)
    assert of(old, desk.take(move(WALLASEY, 2, is_address_protected=True))) == []


def test_protected_address_takes_the_gateway_from_an_alert_without_an_area(desk, refer, move):
    old = refer(gateway="birkenhead")
    assert (old.area, reached(old)) == (None, {"front_door/birkenhead"})
    [hidden] = of(old, desk.take(move(None, is_address_protected=True)))

    assert (hidden.area, reached(hidden)) == (None, {f"front_door/{AUTHORITY}"})


def test_alert_shows_an_area_again_when_the_address_is_no_longer_protected(desk, refer, move):
    old = refer(lsoa_code=BIRKENHEAD)
    desk.take(move(WALLASEY, is_address_protected=True))
    [shown] = of(old, desk.take(move(WALLASEY, 2)))

    assert (shown.area, reached(shown)) == ("wallasey", {f"front_door/{AUTHORITY}", "front_door/wallasey"})


def test_move_that_was_recorded_in_error_moves_the_alert_back(desk, refer, move, event):
    old = refer(lsoa_code=BIRKENHEAD)
    desk.take(move(WALLASEY))
    about = {"root_source": "/test", "root_id": "move-1", "withdrawal_reason": "recorded_in_error"}
    [back] = of(old, desk.take(event("withdrawn", topic=names.CASE_CHANGE, at=NOW, family_id="F-1", **about)))

    assert (back.area, back.version) == ("birkenhead", 3)


def test_move_within_an_area_is_no_version(desk, refer, move):
    old = refer(lsoa_code=BIRKENHEAD)

    assert of(old, desk.take(move(BIRKENHEAD))) == []


def test_version_that_says_more_also_shows_the_new_area(desk, refer, move, referral):
    """One batch brings new evidence and a new address. Each alert gets one version."""
    old = refer(lsoa_code=BIRKENHEAD)
    versions = desk.take(move(WALLASEY), referral(3, at=NOW - timedelta(hours=1.5)))

    assert [(one.status_reason, one.area) for one in of(old, versions)] == [("new_evidence", "wallasey")]


def test_ended_alert_keeps_its_area_until_the_address_is_protected(desk, refer, move, close):
    """An ended alert does not follow the family. But no page may show a protected family's former area."""
    old = refer(lsoa_code=BIRKENHEAD)
    [closed] = of(old, desk.take(close(old)))
    assert of(old, desk.take(move(WALLASEY))) == []
    [hidden] = of(old, desk.take(move(WALLASEY, 2, is_address_protected=True)))

    assert (closed.area, closed.status) == ("birkenhead", "closed")
    assert (hidden.area, hidden.status, hidden.closed_by, hidden.alert_closure) == (None, "closed", "W-1", "acted_on")
    assert reached(hidden) == {f"front_door/{AUTHORITY}"}


def test_alert_from_history_has_no_area_to_change(desk, refer, move):
    old = refer(lsoa_code=BIRKENHEAD, backfill=True)

    assert old.backfill
    assert of(old, desk.take(move(WALLASEY))) == []


def by_build(alert: Alert) -> Alert:
    """An alert about another alert, which only a build raises."""
    about = {"rule": "alert_unacknowledged", "entity_kind": "alert", "entity_id": alert.alert_id}
    return msgspec.structs.replace(alert, alert_id="b" * 32, **about)


def test_alert_of_a_build_follows_its_family_when_the_build_lets_it(desk, refer, move):
    """The build numbers the versions of such an alert too. So the watcher waits for the lock."""
    built = by_build(refer(lsoa_code=BIRKENHEAD))
    desk.alerting.hear([built])
    desk.alerting.restate(NOW, NOW)
    assert of(built, desk.take(move(WALLASEY))) == []
    assert desk.alerting.state.agenda.next_due()[1]
    desk.alerting.restate(NOW, NOW)
    [new] = desk.alerting.state.alerts.waiting(10)

    assert (new.alert_id, new.version, new.area) == (built.alert_id, 2, "wallasey")


def test_alert_of_a_build_that_did_not_know_the_new_address_yet_loses_the_place(desk, refer, move):
    """The watcher has read the address, and the build raises its alert on what had landed before."""
    old = refer(lsoa_code=BIRKENHEAD)
    desk.take(move(WALLASEY, is_address_protected=True))
    desk.alerting.hear([by_build(old)])
    desk.alerting.restate(NOW, NOW)
    [hidden] = desk.alerting.state.alerts.waiting(10)

    assert (hidden.alert_id, hidden.version, hidden.area) == ("b" * 32, 2, None)
    assert "birkenhead" not in str(hidden)
