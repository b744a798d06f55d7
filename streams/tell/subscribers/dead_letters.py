"""Alerts that could not be delivered. They are kept on a topic, for each subscriber, until they are sent again."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from kafka import KafkaProducer, OffsetAndMetadata

from streams import names
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer, producer
from streams.kafka.drain import is_past
from streams.kafka.sending import TIMEOUT_SECONDS
from streams.settings import Settings

__all__ = ["DeadLetters", "Undelivered"]


class Undelivered(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that could not be delivered to a subscriber, and the reason."""

    group: str
    failed_at: datetime
    reason: str
    alert: Alert


_LETTER = msgspec.json.Decoder(Undelivered)


class DeadLetters:
    """The dead letters of one subscriber."""

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings = settings
        self._group = group
        self._producer: KafkaProducer = producer(settings)

    def add(self, alert: Alert, reason: str) -> None:
        """Store an alert as a dead letter, and wait until the broker has acknowledged it."""
        letter = Undelivered(group=self._group, failed_at=datetime.now(UTC), reason=reason, alert=alert)
        sent = self._producer.send(
            names.NOTIFY_DEAD_LETTER, key=self._group.encode(), value=msgspec.json.encode(letter)
        )
        sent.get(timeout=TIMEOUT_SECONDS)

    def waiting(self, *, take: bool) -> Iterator[Undelivered]:
        """
        Yield the dead letters that are waiting at the time of the call, oldest first.

        Args:
            take: if True, a letter stops waiting as soon as the caller asks for the next one.
        """
        reader = consumer(self._settings, [names.NOTIFY_DEAD_LETTER], group_id=f"{self._group}.replay")
        try:
            ends = reader.end_offsets(reader.assignment())
            for partition in ends:
                if (saved := reader.committed(partition)) is not None:
                    reader.seek(partition, saved)
            while not is_past(reader, ends):
                for partition, records in reader.poll(timeout_ms=500).items():
                    for record in records:
                        if record.offset >= ends[partition]:
                            # This letter was added during this replay, because sending it failed again. It waits for
                            # the next replay.
                            return
                        if record.key == self._group.encode():
                            assert record.value is not None, "a letter has content"
                            yield _LETTER.decode(record.value)
                        if take:
                            reader.commit({partition: OffsetAndMetadata(record.offset + 1, "", -1)})
        finally:
            reader.close(autocommit=False)

    def close(self) -> None:
        """Disconnect from the broker."""
        self._producer.close(timeout=TIMEOUT_SECONDS)
