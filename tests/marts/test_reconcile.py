"""
Comparison of streamed alerts with rebuilt alerts at a snapshot.

An alert that the stream lacks is published once. For an unexplained alert in the stream, people must find the cause.
"""

import msgspec
import pytest

from streams import names
from streams.errors import PartsDisagree
from streams.kafka.client import producer
from streams.marts.reconcile import reconcile


def test_missing_alert_is_published_once(desk):
    """
    The missing alert is published as a watcher would publish the alert.

    Reconciling again publishes nothing, neither before the published alert has landed nor afterwards.
    """
    desk.refer(1, hours=2)
    desk.refer(2, hours=1)
    desk.build()

    first, second = reconcile(desk.settings, publish=True), reconcile(desk.settings, publish=True)
    [alert] = desk.alerts()
    assert (first.alerts, first.published, first.differences) == (1, 1, [])
    assert (second.published, second.differences) == (0, [])
    assert (alert.rule, alert.anchor_id, alert.version, alert.status_reason) == ("re_referral", "r-2", 1, "reconciled")
    assert alert.case_url == "https://cases.example/F-1"
    assert [(who.role, who.id) for who in alert.recipients] == [("front_door", "E08000015")]
    assert alert.received_at <= alert.raised_at

    desk.build()
    third = reconcile(desk.settings)
    assert (third.alerts, third.published, third.differences) == (1, 0, [])
    assert len(desk.alerts()) == 1


def test_unreadable_records_are_compared_when_the_watcher_has_reported_them_all(desk):
    desk.refer(1, hours=2)
    desk.refer(2, hours=1)
    client = producer(desk.settings)
    client.send(names.REFERRAL, key=b"F-2", value=b"?")
    client.close()
    desk.build_at(sorted(desk.ends().items()), is_reporting=True)

    during = reconcile(desk.settings)
    desk.build()
    after = reconcile(desk.settings)

    assert [(one.rule, one.kind) for one in during.differences] == [("re_referral", "missing")]
    assert [(one.rule, one.kind) for one in after.differences] == [
        ("re_referral", "missing"),
        ("unreadable_report", "missing"),
    ]


def test_unexplained_and_withdrawn_alerts(desk):
    """
    An alert that only the stream has is reported as an error and is not changed.

    If the stream withdrew an alert that the build has, the alert is published again as the next version. Without
    `publish`, no alert is published.
    """
    desk.refer(1, hours=2)
    desk.refer(2, hours=1)
    desk.build()
    reconcile(desk.settings, publish=True)
    [alert] = desk.alerts()
    desk.publish(msgspec.structs.replace(alert, version=2, status="withdrawn", status_reason="event_withdrawn"))
    desk.publish(msgspec.structs.replace(alert, alert_id="0" * 32))
    desk.build()

    looked = reconcile(desk.settings)
    assert {(one.kind, one.alert_id) for one in looked.differences} == {
        ("missing", alert.alert_id),
        ("unexplained", "0" * 32),
    }
    assert len(desk.alerts()) == 3

    mended = reconcile(desk.settings, publish=True)
    assert (mended.published, [one.kind for one in mended.differences]) == (1, ["unexplained"])
    with pytest.raises(PartsDisagree, match="1 of 1 alerts differ"):
        mended.raise_if_different()
    versions = [(one.version, str(one.status)) for one in desk.alerts() if one.alert_id == alert.alert_id]
    assert versions == [(1, "open"), (2, "withdrawn"), (3, "open")]
    assert [str(one.status) for one in desk.alerts() if one.alert_id == "0" * 32] == ["open"]
