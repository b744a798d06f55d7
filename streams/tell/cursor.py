"""Where a consumer goes on after a restart, kept by the broker under a name; one process reads all partitions."""

from collections.abc import Iterator

from kafka import OffsetAndMetadata, TopicPartition

from streams.kafka.drain import is_past, polled
from streams.kafka.reading import TolerantConsumer
from streams.lake.generations import numbered_consumer
from streams.settings import Settings

__all__ = ["Cursor"]


class Cursor:
    """
    Reads one topic at least once: what was read counts as done only when that is said.

    The first start ever begins with what comes next; a partition that is added later is read from its beginning. So is
    a topic that was made again, for as long as no person has confirmed that it was: what was done is of the one before.
    """

    def __init__(self, settings: Settings, topic: str, name: str) -> None:
        self._consumer: TolerantConsumer = numbered_consumer(settings, [topic], group_id=name)
        committed = {partition: self._consumer.committed(partition) for partition in self._consumer.assignment()}
        generation = self._consumer.generations().get(topic)
        begun = any(offset is not None for offset in committed.values()) or (generation and generation.is_unconfirmed)
        beginnings = self._consumer.beginning_offsets(self._consumer.assignment())
        new = {} if begun else self.ends()
        for partition, offset in (committed | new).items():
            self._consumer.seek(partition, beginnings[partition] if offset is None else offset)
        self._commit(new)

    def ends(self) -> dict[TopicPartition, int]:
        """The offset that the next record of each partition will get."""
        return self._consumer.end_offsets(self._consumer.assignment())

    def is_past(self, ends: dict[TopicPartition, int]) -> bool:
        """Whether everything up to some offsets was read."""
        return is_past(self._consumer, ends)

    def read(self) -> Iterator:
        """The records that have come, after at most half a second."""
        return polled(self._consumer)

    def done(self) -> None:
        """Everything that was read is dealt with."""
        self._commit({partition: self._consumer.position(partition) for partition in self._consumer.assignment()})

    def close(self) -> None:
        """Disconnect; what is not done will be read again."""
        self._consumer.close()

    def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        if offsets:
            self._consumer.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()})
