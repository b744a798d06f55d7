"""Streamed against rebuilt alerts at a cut: what is missing is said once, what is unexplained is left to people."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams import names
from streams.acting import close
from streams.build.builder import Builder
from streams.contracts.codesets import AlertClosure
from streams.contracts.outputs import Alert, Heartbeat
from streams.errors import PartsDisagree
from streams.kafka.client import consumer, end_offsets, producer
from streams.lake.connect import connect
from streams.land.lander import run as land
from streams.reconcile import reconcile
from streams.settings import Settings
from streams.watch.publish import Publisher, alert_of


class Desk:
    """Topics, a lake and marts in which everything but a watcher works."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._publisher = Publisher(settings)
        self._builder = Builder(settings)

    def close(self) -> None:
        self._publisher.close()
        self._builder.__exit__()

    def refer(self, number: int, **ago: float) -> None:
        """A referral of the one family, on an incident of its own."""
        event = {
            "specversion": "1.0",
            "id": f"r-{number}",
            "source": "/test",
            "type": "uk.caf.referral.referral-submitted.v1",
            "time": (datetime.now(UTC) - timedelta(**ago)).isoformat(),
            "authority": "E08000015",
            "data": {
                "referral_id": f"R-{number}",
                "family_id": "F-1",
                "source_code": "6",
                "severity": "amber",
                "consent": "given",
            },
        }
        client = producer(self.settings)
        client.send(names.REFERRAL, key=b"F-1", value=json.dumps(event).encode())
        client.close()

    def closings(self) -> list[tuple[datetime, datetime]]:
        """When alerts were closed, and when that arrived."""
        with connect(self.settings) as lake:
            rows = lake.execute("select acted_at, received_at from marts.intermediate.int_alert_actions").fetchall()
        return [tuple(moment.replace(tzinfo=UTC) for moment in row) for row in rows]

    def publish(self, alert: Alert) -> None:
        self._publisher.alerts([alert])

    def build(self) -> None:
        """Say, as a watcher would, that all is judged; land all, and build at that cut."""
        offsets = defaultdict(list)
        for place, end in sorted(end_offsets(self.settings, (*names.INPUT_TOPICS, names.ALERTS)).items()):
            offsets[place.topic].append(end)
        self._publisher.heartbeat(Heartbeat(leader="test", as_of=datetime.now(UTC), offsets=dict(offsets)))
        self._publisher.alerts([])
        land(self.settings, once=True)
        result = self._builder.build(tests=False)
        assert result.cut.is_watched

    def alerts(self) -> list[Alert]:
        """Every version on the topic."""
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
    """Said as a watcher would say it; nothing more is said, neither before it has landed nor after."""
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


def test_unexplained_and_withdrawn_alerts(desk):
    """
    What only the stream has is left standing and is an error; what it took back is said again in the next version.

    Without `publish` nothing is said at all.
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


def test_closing_is_in_the_stream_or_is_a_difference(desk):
    """One that no version tells of was lost; one that no event tells of was invented."""
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
