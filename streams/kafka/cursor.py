"""Where a consumer goes on after a restart, kept by the broker under a name; one process reads all partitions."""

from collections.abc import Iterator

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from streams.kafka.client import consumer, partitions_of
from streams.settings import Settings

__all__ = ["Cursor"]

_POLL_MS = 500


class Cursor:
    """
    Reads one topic at least once: what was read counts as done only when that is said.

    The first start ever begins with what comes next; a partition that is added later is read from its beginning.
    """

    def __init__(self, settings: Settings, topic: str, name: str) -> None:
        self._consumer: KafkaConsumer = consumer(settings, group_id=name)
        self._topic = topic
        partitions = partitions_of(self._consumer, [topic])
        committed = {partition: self._consumer.committed(partition) for partition in partitions}
        begun = any(offset is not None for offset in committed.values())
        self._consumer.assign(partitions)
        new = {} if begun else self.ends()
        for partition, offset in (committed | new).items():
            self._consumer.seek(partition, offset or 0)
        self._commit(new)

    def ends(self) -> dict[TopicPartition, int]:
        """The offset that the next record of each partition will get."""
        return self._consumer.end_offsets(self._consumer.assignment())

    def is_past(self, ends: dict[TopicPartition, int]) -> bool:
        """Whether everything up to some offsets was read."""
        return all(self._consumer.position(partition) >= end for partition, end in ends.items())

    def read(self) -> Iterator:
        """The records that have come, after at most half a second."""
        self._take_on()
        for batch in self._consumer.poll(timeout_ms=_POLL_MS).values():
            yield from batch

    def done(self) -> None:
        """Everything that was read is dealt with."""
        self._commit({partition: self._consumer.position(partition) for partition in self._consumer.assignment()})

    def close(self) -> None:
        """Disconnect; what is not done will be read again."""
        self._consumer.close()

    def _take_on(self) -> None:
        """Read partitions, too, that have been added."""
        held, wanted = self._consumer.assignment(), partitions_of(self._consumer, [self._topic])
        if len(wanted) > len(held):
            self._consumer.assign(wanted)
            for partition in set(wanted) - held:
                self._consumer.seek(partition, 0)

    def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        if offsets:
            self._consumer.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()})
