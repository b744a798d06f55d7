"""What people did, where a family lives, and alerts that only a build evaluates are compared as well."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams import names
from streams.alerts.actions import close
from streams.alerts.version_lock import version_lock
from streams.contracts.codesets import AlertClosure
from streams.contracts.outputs import Alert
from streams.lake.connect import connect
from streams.marts.area_alerts import publish_build_alerts
from streams.marts.reconcile import reconcile
from tests.covered import cover
from tests.marts.desk import event, referral

pytestmark = pytest.mark.long


def test_closing_is_in_the_stream_or_is_a_difference(desk):
    """
    If no alert version contains a closing, the closing was lost.

    If a version contains a closing without an event, the closing was invented.
    """
    desk.refer(1, hours=2)
    desk.refer(2, hours=1)
    desk.build()
    reconcile(desk.settings, publish=True)
    [alert] = desk.alerts()
    close(desk.settings, alert, "W-1", AlertClosure.ACTED_ON)
    desk.build()
    [lost] = reconcile(desk.settings).differences
    assert (lost.kind, lost.what) == ("different", "what people did")

    said = desk.closed()
    desk.publish(msgspec.structs.replace(alert, version=2, **said))
    desk.build()
    assert reconcile(desk.settings).differences == []

    desk.publish(
        msgspec.structs.replace(alert, version=3, **said | {"closed_at": said["closed_at"] + timedelta(hours=1)})
    )
    desk.build()
    [invented] = reconcile(desk.settings).differences
    assert invented.what == "what people did"


BEBINGTON = {"lsoa_code": "E01007110"}


def test_open_alert_in_another_area_than_its_family_is_a_difference(desk):
    """An alert that has ended may keep the area in which it ended."""
    now = datetime.now(UTC)
    desk.send(referral(n, now - timedelta(hours=3 - n), family_id="F-1", **BEBINGTON) for n in (1, 2))
    desk.build()
    reconcile(desk.settings, publish=True)
    [alert] = desk.alerts()
    desk.build()
    assert (alert.area, reconcile(desk.settings).differences) == ("wirral_south", [])

    desk.publish(msgspec.structs.replace(alert, version=2, area="birkenhead"))
    desk.build()
    [moved] = reconcile(desk.settings).differences
    assert (moved.alert_id, moved.kind, moved.what) == (alert.alert_id, "different", "area")

    close(desk.settings, alert, "W-1", AlertClosure.ACTED_ON)
    desk.build()
    said = desk.closed()
    desk.publish(msgspec.structs.replace(alert, version=3, area="birkenhead", **said))
    desk.build()
    assert reconcile(desk.settings).differences == []


def test_alert_that_shows_the_area_of_a_protected_family_is_a_difference(desk):
    """This is so even if the alert has ended."""
    now = datetime.now(UTC)
    desk.send(referral(n, now - timedelta(hours=3 - n), family_id="F-1", **BEBINGTON) for n in (1, 2))
    address = {"family_id": "F-1", "address_id": "U-1", "is_address_protected": True}
    desk.send([event("move-1", "address-changed", now, address, topic=names.CASE_CHANGE)], names.CASE_CHANGE)
    desk.build()
    reconcile(desk.settings, publish=True)
    [alert] = desk.alerts()
    assert (alert.area, [who.id for who in alert.recipients]) == (None, ["E08000015"])

    close(desk.settings, alert, "W-1", AlertClosure.ACTED_ON)
    desk.build()
    said = desk.closed()
    desk.publish(msgspec.structs.replace(alert, version=2, area="wirral_south", **said))
    desk.build()
    [shown] = reconcile(desk.settings).differences
    assert (shown.kind, shown.what) == ("different", "area")


def test_build_raises_restates_and_withdraws_alerts_that_only_it_evaluates(desk):
    """
    In one week there are twelve referrals, after thirty weeks with two referrals each.

    Twelve referrals are a surge of the ward and of the area in which the ward lies.
    """
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    wednesday = today - timedelta(days=today.weekday() + 5)
    weeks = [wednesday - timedelta(weeks=before) for before in range(30, 0, -1) for _ in range(2)] + [wednesday] * 12
    referrals = [referral(n, at, family_id=f"F-{n}", **BEBINGTON) for n, at in enumerate(weeks)]

    def surges() -> list[Alert]:
        return [alert for alert in desk.alerts() if alert.rule == "locality_surge"]

    cover(desk.settings, "E08000015", (wednesday - timedelta(weeks=31)).date())
    desk.send(referrals)
    desk.build()
    assert publish_build_alerts(desk.settings) == 2
    area, ward = raised = sorted(surges(), key=lambda alert: alert.anchor_source)
    assert [(alert.anchor_source, alert.entity_id, alert.version) for alert in raised] == [
        ("area", "E14001043", 1),
        ("ward", "E05000954", 1),
    ]
    assert [item.id for item in ward.evidence] == sorted(f"r-{n}" for n in range(60, 72))
    assert [(who.role, who.id) for who in ward.recipients] == [("manager", "E08000015")]
    assert (ward.area, ward.family_id, ward.anchored_at <= ward.received_at <= ward.raised_at) == (
        "wirral_south",
        None,
        True,
    )

    # The published alert has not landed yet, and must not be published again.
    assert publish_build_alerts(desk.settings) == 0

    desk.publish(msgspec.structs.replace(area, version=2, status="closed", closed_at=area.raised_at, closed_by="W-1"))
    late = referral(72, wednesday, family_id="F-72", **BEBINGTON)
    desk.send([late])
    desk.build()
    assert publish_build_alerts(desk.settings) == 2
    restated = {alert.anchor_source: alert for alert in surges()}
    assert {(level, one.version, str(one.status), one.status_reason) for level, one in restated.items()} == {
        ("ward", 2, "open", "new_evidence"),
        ("area", 3, "open", "new_evidence"),
    }
    assert all(len(alert.evidence) == 13 for alert in restated.values())
    assert "locality_surge" not in {one.rule for one in reconcile(desk.settings).differences}

    # The closing remains when the evidence shrinks. A build that covers fewer records than the build before publishes
    # no alert.
    desk.publish(msgspec.structs.replace(restated["area"], version=4, status="closed", closed_at=area.raised_at))
    facts = {"root_source": "/test", "withdrawal_reason": "recorded_in_error"}
    desk.send([event("w-72", "withdrawn", today, facts | {"root_id": "r-72", "family_id": "F-72"})])
    desk.build()
    assert publish_build_alerts(desk.settings) == 2
    restated = {alert.anchor_source: (alert.version, str(alert.status), len(alert.evidence)) for alert in surges()}
    assert restated == {"ward": (3, "open", 12), "area": (5, "closed", 12)}
    with connect(desk.settings, landing="read_write", marts=None) as lake:
        lake.execute("DELETE FROM landing.main.heartbeats")
    desk.build_at([(place, end // 2) for place, end in sorted(desk.ends().items())])
    assert publish_build_alerts(desk.settings) == 0

    gone = [(f"w-{n}", {"root_id": f"r-{n}", "family_id": f"F-{n}"}) for n in range(60, 70)]
    desk.send([event(event_id, "withdrawn", today, facts | data) for event_id, data in gone])
    desk.build()

    # Somebody closes an alert while the build decides. The build must read and land the watcher's version before the
    # build publishes its own.
    with ThreadPoolExecutor(1) as pool:
        with version_lock(desk.settings):
            publishing = pool.submit(publish_build_alerts, desk.settings)
            with pytest.raises(TimeoutError):
                publishing.result(timeout=3)
            desk.publish(msgspec.structs.replace(ward, version=4, status="closed", closed_at=ward.raised_at))
        assert publishing.result() == 1
    desk.build()
    assert publish_build_alerts(desk.settings) == 1
    ended = {alert.anchor_source: (alert.version, str(alert.status), alert.status_reason) for alert in surges()}
    assert ended == {"ward": (5, "withdrawn", "event_withdrawn"), "area": (6, "withdrawn", "event_withdrawn")}
    assert len(surges()) == len({(alert.alert_id, alert.version) for alert in surges()})
