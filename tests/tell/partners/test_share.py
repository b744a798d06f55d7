"""Partners get notices on their own topics if policy and consent permit, tested with a real broker and a real lake."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from kafka import OffsetAndMetadata

from streams import names
from streams.alerts.publisher import Publisher
from streams.contracts.outputs import Alert
from streams.errors import PlaceLost
from streams.kafka.client import admin, consumer, partitions_of, producer
from streams.lake.connect import connect
from streams.land import run as land
from streams.land.verify import verify_offsets
from streams.settings import Settings
from streams.tell.partners.policy import read_policy
from streams.tell.partners.share import Shared, share


class Desk:
    """Topics and a lake. The tests publish alerts directly, without a watcher."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._publisher = Publisher(settings)
        self._told = 0

    def close(self) -> None:
        self._publisher.close()

    def answer(self, fact: str) -> None:
        """Send the family's answer to the question whether its information may be shared."""
        self._told += 1
        event = {
            "specversion": "1.0",
            "id": f"c-{self._told}",
            "source": "/test",
            "type": f"uk.caf.case-change.{fact}.v1",
            "time": datetime.now(UTC).isoformat(),
            "authority": "E08000015",
            "data": {"family_id": "F-1", "consent_scope": "share_information"},
        }
        client = producer(self.settings)
        client.send(names.CASE_CHANGE, key=b"F-1", value=json.dumps(event).encode())
        client.close()

    def land(self) -> None:
        land(self.settings, once=True)

    def wait_for_service(self, version: int) -> None:
        now = datetime.now(UTC)
        alert = Alert(
            alert_id="a" * 32,
            version=version,
            rule="waiting_too_long",
            rule_version=1,
            profile_version="default-1",
            severity="amber",
            status="open",
            entity_kind="family",
            entity_id="F-1",
            family_id="F-1",
            reason="",
            evidence=[],
            anchor_source="/test",
            anchor_id="e-1",
            anchored_at=now,
            clears_when="",
            occurred_at=now,
            received_at=now,
            raised_at=now,
        )
        self._publisher.alerts([alert])

    def share(self) -> Shared:
        return share(self.settings, read_policy(), once=True, patience_seconds=0)

    def told(self, partner: str) -> list[int]:
        """Return the alert versions on a partner's topic."""
        return [record["version"] for record in self._data(names.PARTNER_TOPICS[partner])]

    def decided(self) -> list[tuple[int, str, str]]:
        return [(one["version"], one["verdict"], one["verdict_reason"]) for one in self._data(names.SHARING_DECISION)]

    def _data(self, topic: str) -> list[dict]:
        reader = consumer(self.settings, [topic])
        try:
            found, ends = [], reader.end_offsets(reader.assignment())
            while any(reader.position(partition) < end for partition, end in ends.items()):
                batches = reader.poll(200).values()
                found += [json.loads(record.value)["data"] for batch in batches for record in batch]
            return found
        finally:
            reader.close()


@pytest.fixture
def desk(fresh_settings: Settings, fresh_topics: str) -> Iterator[Desk]:
    made = Desk(replace(fresh_settings, land_batch_seconds=0.05))
    yield made
    made.close()


def test_share_that_lost_its_place_stops(desk):
    """If it began at the end of the topic again, partners would never hear of the alerts of the meantime."""
    desk.share()
    desk.wait_for_service(1)
    desk.share()
    with closing(consumer(desk.settings, group_id=names.SHARE_GROUP)) as client:
        client.commit({one: OffsetAndMetadata(9, "", -1) for one in partitions_of(client, [names.ALERTS])})
    with pytest.raises(PlaceLost, match="group caf-share has read"):
        desk.share()
    with closing(admin(desk.settings)) as client:
        client.delete_groups([names.SHARE_GROUP])
    with pytest.raises(PlaceLost, match="group caf-share has read"):
        desk.share()


def test_consent_decides_from_message_to_message(desk):
    """
    Alerts from before the first start are not shared, and nothing is shared twice.

    After consent is given, the next notice is sent. After consent is withdrawn, the next notice is stopped. While an
    answer has arrived but not landed, a person must decide. Each decision lands with its own offset.
    """
    desk.wait_for_service(1)
    assert desk.share() == Shared(0, 0, 0)

    desk.wait_for_service(2)
    desk.land()
    assert desk.share() == Shared(1, 1, 0)

    desk.answer("consent-given")
    desk.land()
    desk.wait_for_service(3)
    assert desk.share() == Shared(1, 1, 1)
    assert desk.share() == Shared(0, 0, 0)

    desk.answer("consent-withdrawn")
    desk.wait_for_service(4)
    desk.share()
    desk.land()
    desk.wait_for_service(5)
    desk.share()

    assert desk.decided() == [
        (2, "deny", "consent_not_in_force"),
        (3, "permit", "consent_in_force"),
        (4, "review", "consent_not_known"),
        (5, "deny", "consent_not_in_force"),
    ]
    assert desk.told("early_help") == [3]
    assert [desk.told(partner) for partner in names.PARTNERS if partner != "early_help"] == [[], [], [], []]
    desk.land()
    with connect(desk.settings, marts=None) as lake:
        landed = lake.execute(
            "SELECT version, verdict FROM landing.main.sharing_decisions ORDER BY kafka_offset"
        ).fetchall()
    assert landed == [(2, "deny"), (3, "permit"), (4, "review"), (5, "deny")]
    assert verify_offsets(desk.settings).differences == []
