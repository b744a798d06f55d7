"""
Read a topic in one process. After a restart, reading continues at the saved offsets, which the broker stores under the
name of a group.
"""

from collections.abc import Iterator

from kafka import OffsetAndMetadata, TopicPartition

from streams.errors import PlaceLost
from streams.kafka.client import partitions_of
from streams.kafka.drain import is_past, polled
from streams.kafka.reading import TolerantConsumer
from streams.kafka.records import Readable
from streams.lake.generations import numbered_consumer
from streams.settings import Settings

__all__ = ["Cursor"]


class Cursor:
    """
    Reads all partitions of one topic. Yields each record at least once: after a restart, records that were not marked
    with `done` are read again.

    At the very first start, reading begins with the next new record. A partition that is added later is read from its
    beginning. If a topic was recreated and no person has confirmed this yet, it is also read from its beginning,
    because the saved offsets belong to the topic's previous generation.
    """

    def __init__(self, settings: Settings, topic: str, name: str, *, writes: str | None = None) -> None:
        """
        Connect to the broker, and continue at the saved offsets.

        Args:
            writes: a topic that only this reader writes. Once the topic has had records, this is not the first start.

        Raises:
            BrokerUnavailable: no broker answers.
            PlaceLost: this is not the first start, but no offsets are saved, or the topic ends before a saved offset.
        """
        self._consumer: TolerantConsumer = numbered_consumer(settings, [topic], group_id=name)
        committed = {partition: self._consumer.committed(partition) for partition in self._consumer.assignment()}
        generation = self._consumer.generations().get(topic)
        begun = any(offset is not None for offset in committed.values()) or (generation and generation.is_unconfirmed)
        ends = self.ends()
        if (not begun and writes and self._has_records(writes)) or any(
            offset is not None and offset > ends[partition] for partition, offset in committed.items()
        ):
            self._consumer.close()
            raise PlaceLost(
                f"group {name} has read {topic} before, but what Kafka knows about how far is lost or wrong. "
                "See 'A place that Kafka has lost' in docs/operate.md"
            )
        beginnings = self._consumer.beginning_offsets(self._consumer.assignment())
        new = {} if begun else ends
        for partition, offset in (committed | new).items():
            self._consumer.seek(partition, beginnings[partition] if offset is None else offset)
        self._commit(new)

    def ends(self) -> dict[TopicPartition, int]:
        """Return, for each partition, the offset that its next record will have."""
        return self._consumer.end_offsets(self._consumer.assignment())

    def is_past(self, ends: dict[TopicPartition, int]) -> bool:
        """Return True if all records before these offsets have been read."""
        return is_past(self._consumer, ends)

    def read(self) -> Iterator[Readable]:
        """Yield the records that have arrived. If there are none, return after half a second."""
        return polled(self._consumer)

    def done(self) -> None:
        """Save the offsets, so that no record that has been read so far is read again."""
        positions = {partition: self._consumer.position(partition) for partition in self._consumer.assignment()}
        self._commit({partition: offset for partition, offset in positions.items() if offset is not None})

    def close(self) -> None:
        """Disconnect. Records that are not marked as done will be read again."""
        self._consumer.close()

    def _has_records(self, topic: str) -> bool:
        return any(self._consumer.end_offsets(partitions_of(self._consumer, [topic])).values())

    def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        if offsets:
            self._consumer.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()})
