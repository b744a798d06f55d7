"""
Comparison of streamed alerts with rebuilt alerts at a snapshot.

An alert that the stream lacks is published once. For an unexplained alert in the stream, people must find the cause.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from kafka import TopicPartition

from streams import names
from streams.alerts.actions import close
from streams.alerts.publisher import Publisher, alert_of
from streams.alerts.version_lock import version_lock
from streams.contracts.codesets import AlertClosure
from streams.contracts.outputs import Alert, Heartbeat
from streams.errors import PartsDisagree
from streams.kafka.client import consumer, end_offsets, producer
from streams.kafka.drain import until
from streams.lake.connect import connect
from streams.land import run as land
from streams.marts.area_alerts import publish_build_alerts
from streams.marts.builder import Builder
from streams.marts.reconcile import reconcile
from streams.settings import Settings
from tests.covered import cover


def _referral(number: int, at: datetime, **data: str) -> dict:
    """A referral without a decision."""
    facts = {"referral_id": f"R-{number}", "source_code": "6", "severity": "amber", "consent": "given"}
    return _event(f"r-{number}", "referral-submitted", at, facts | data)


def _event(event_id: str, fact: str, at: datetime, data: dict[str, object], topic: str = names.REFERRAL) -> dict:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/test",
        "type": f"uk.{topic.removesuffix('.v1')}.{fact}.v1",
        "time": at.isoformat(),
        "authority": "E08000015",
        "data": data,
    }


class Desk:
    """Topics, a lake and marts. All parts work except the watcher."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._publisher = Publisher(settings)
        # On a busy machine, much time can pass between the heartbeat and the build.
        self._builder = Builder(settings, fresh_seconds=600)

    def close(self) -> None:
        self._publisher.close()
        self._builder.__exit__()

    def refer(self, number: int, **ago: float) -> None:
        """Send a referral of the family F-1 about a separate incident."""
        self.send([_referral(number, datetime.now(UTC) - timedelta(**ago), family_id="F-1")])

    def send(self, events: Iterable[dict], topic: str = names.REFERRAL) -> None:
        client = producer(self.settings)
        for event in events:
            client.send(topic, key=event["data"]["family_id"].encode(), value=json.dumps(event).encode())
        client.close()

    def closings(self) -> list[tuple[datetime, datetime]]:
        """When each alert was closed, and when the record of the closing arrived."""
        with connect(self.settings) as lake:
            rows = lake.execute("select acted_at, received_at from marts.intermediate.int_alert_actions").fetchall()
        return [tuple(moment.replace(tzinfo=UTC) for moment in row) for row in rows]

    def publish(self, alert: Alert) -> None:
        self._publisher.alerts([alert])

    def build(self) -> None:
        """
        Publish a heartbeat that covers everything, land all records, and build at this watermark.

        A watcher would publish the same heartbeat.
        """
        self.build_at(sorted(self.ends().items()))

    def ends(self) -> dict[TopicPartition, int]:
        """
        The offsets that a watcher reports when it has evaluated all records.

        Transaction markers do not count as records.
        """
        ends = end_offsets(self.settings, names.INPUT_TOPICS)
        with closing(consumer(self.settings, [names.ALERTS])) as reader:
            places = reader.end_offsets(reader.assignment())
            said = {TopicPartition(one.topic, one.partition): one.offset + 1 for one in until(reader, places)}
        return ends | dict.fromkeys(places, 0) | said

    def build_at(self, following: Iterable[tuple[TopicPartition, int]], *, is_reporting: bool = False) -> None:
        """Build at the watermark of a watcher that has reached the given offsets."""
        offsets = defaultdict(list)
        for place, offset in following:
            offsets[place.topic].append(offset)
        with closing(Publisher(self.settings)) as publisher:
            now = datetime.now(UTC)
            publisher.heartbeat(Heartbeat(leader="test", as_of=now, offsets=dict(offsets), is_reporting=is_reporting))
        land(self.settings, once=True)
        result = self._builder.build(tests=False)
        assert result.snapshot.is_watched

    def alerts(self) -> list[Alert]:
        """Every alert version on the alerts topic."""
        reader = consumer(self.settings, [names.ALERTS])
        try:
            found, ends = [], reader.end_offsets(reader.assignment())
            while any(reader.position(partition) < end for partition, end in ends.items()):
                found += [alert_of(record.value) for batch in reader.poll(200).values() for record in batch]
            return found
        finally:
            reader.close()


@pytest.fixture
def desk(fresh_settings: Settings, fresh_topics: str) -> Iterator[Desk]:
    made = Desk(replace(fresh_settings, land_batch_seconds=0.05))
    yield made
    made.close()


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


@pytest.mark.long
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

    [(acted_at, arrived_at)] = desk.closings()
    said = {"status": "closed", "closed_at": acted_at, "received_at": arrived_at, "closed_by": "W-1"}
    desk.publish(msgspec.structs.replace(alert, version=2, **said))
    desk.build()
    assert reconcile(desk.settings).differences == []

    desk.publish(msgspec.structs.replace(alert, version=3, **said | {"closed_at": acted_at + timedelta(hours=1)}))
    desk.build()
    [invented] = reconcile(desk.settings).differences
    assert invented.what == "what people did"


BEBINGTON = {"lsoa_code": "E01007110"}


@pytest.mark.long
def test_open_alert_in_another_area_than_its_family_is_a_difference(desk):
    """An alert that has ended may keep the area in which it ended."""
    now = datetime.now(UTC)
    desk.send(_referral(n, now - timedelta(hours=3 - n), family_id="F-1", **BEBINGTON) for n in (1, 2))
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
    [(acted_at, arrived_at)] = desk.closings()
    said = {"status": "closed", "closed_at": acted_at, "received_at": arrived_at, "closed_by": "W-1"}
    desk.publish(msgspec.structs.replace(alert, version=3, area="birkenhead", **said))
    desk.build()
    assert reconcile(desk.settings).differences == []


@pytest.mark.long
def test_alert_that_shows_the_area_of_a_protected_family_is_a_difference(desk):
    """This is so even if the alert has ended."""
    now = datetime.now(UTC)
    desk.send(_referral(n, now - timedelta(hours=3 - n), family_id="F-1", **BEBINGTON) for n in (1, 2))
    address = {"family_id": "F-1", "address_id": "U-1", "is_address_protected": True}
    desk.send([_event("move-1", "address-changed", now, address, topic=names.CASE_CHANGE)], names.CASE_CHANGE)
    desk.build()
    reconcile(desk.settings, publish=True)
    [alert] = desk.alerts()
    assert (alert.area, [who.id for who in alert.recipients]) == (None, ["E08000015"])

    close(desk.settings, alert, "W-1", AlertClosure.ACTED_ON)
    desk.build()
    [(acted_at, arrived_at)] = desk.closings()
    said = {"status": "closed", "closed_at": acted_at, "received_at": arrived_at, "closed_by": "W-1"}
    desk.publish(msgspec.structs.replace(alert, version=2, area="wirral_south", **said))
    desk.build()
    [shown] = reconcile(desk.settings).differences
    assert (shown.kind, shown.what) == ("different", "area")


@pytest.mark.long
def test_build_raises_restates_and_withdraws_alerts_that_only_it_evaluates(desk):
    """
    In one week there are twelve referrals, after thirty weeks with two referrals each.

    Twelve referrals are a surge of the ward and of the area in which the ward lies.
    """
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    wednesday = today - timedelta(days=today.weekday() + 5)
    weeks = [wednesday - timedelta(weeks=before) for before in range(30, 0, -1) for _ in range(2)] + [wednesday] * 12
    referrals = [_referral(n, at, family_id=f"F-{n}", **BEBINGTON) for n, at in enumerate(weeks)]

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
    late = _referral(72, wednesday, family_id="F-72", **BEBINGTON)
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
    desk.send([_event("w-72", "withdrawn", today, facts | {"root_id": "r-72", "family_id": "F-72"})])
    desk.build()
    assert publish_build_alerts(desk.settings) == 2
    restated = {alert.anchor_source: (alert.version, str(alert.status), len(alert.evidence)) for alert in surges()}
    assert restated == {"ward": (3, "open", 12), "area": (5, "closed", 12)}
    with connect(desk.settings, landing="read_write", marts=None) as lake:
        lake.execute("DELETE FROM landing.main.heartbeats")
    desk.build_at([(place, end // 2) for place, end in sorted(desk.ends().items())])
    assert publish_build_alerts(desk.settings) == 0

    gone = [(f"w-{n}", {"root_id": f"r-{n}", "family_id": f"F-{n}"}) for n in range(60, 70)]
    desk.send([_event(event_id, "withdrawn", today, facts | data) for event_id, data in gone])
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
