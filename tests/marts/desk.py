"""Topics, a lake and marts whose streamed and rebuilt alerts are compared."""

import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from kafka import TopicPartition

from streams import names
from streams.alerts.publisher import Publisher, alert_of
from streams.contracts.outputs import Alert, Heartbeat
from streams.kafka.client import consumer, end_offsets, producer
from streams.kafka.drain import until
from streams.lake.connect import connect
from streams.land import run as land
from streams.marts.builder import Builder
from streams.settings import Settings

__all__ = ["Desk", "event", "referral"]


def referral(number: int, at: datetime, **data: str) -> dict:
    """A referral without a decision."""
    facts = {"referral_id": f"R-{number}", "source_code": "6", "severity": "amber", "consent": "given"}
    return event(f"r-{number}", "referral-submitted", at, facts | data)


def event(event_id: str, fact: str, at: datetime, data: dict[str, object], topic: str = names.REFERRAL) -> dict:
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
        self.send([referral(number, datetime.now(UTC) - timedelta(**ago), family_id="F-1")])

    def send(self, events: Iterable[dict], topic: str = names.REFERRAL) -> None:
        client = producer(self.settings)
        for event in events:
            client.send(topic, key=event["data"]["family_id"].encode(), value=json.dumps(event).encode())
        client.close()

    def closed(self) -> dict[str, object]:
        """What a version of an alert says after `W-1` has closed it, which is all that anybody did."""
        with connect(self.settings) as lake:
            rows = lake.execute("select acted_at, received_at from marts.intermediate.int_alert_actions").fetchall()
        [(acted_at, arrived_at)] = [tuple(moment.replace(tzinfo=UTC) for moment in row) for row in rows]
        return {"status": "closed", "closed_at": acted_at, "received_at": arrived_at, "closed_by": "W-1"}

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
