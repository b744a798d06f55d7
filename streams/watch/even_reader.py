"""
Reads all topics up to about the same arrival time while there is a backlog.

If the partitions of a backlog were read one after another, a referral could be read hours before later events about the
same family on another topic. The watcher would then raise alerts about deadlines that seem to be missed, and a later
batch would withdraw these alerts.
"""

from collections import deque
from collections.abc import Collection

from kafka import KafkaConsumer, TopicPartition

from streams.contracts.record import record_bytes
from streams.kafka.records import Readable

__all__ = ["EvenReader"]

_LIVE_RECORDS = 500
_BACKLOG_RECORDS = 50_000
"""How many records one poll may return during a backlog. All that has been fetched is usually less."""
_AHEAD_RECORDS = 5_000
_AHEAD_BYTES = 4 * 1024 * 1024
"""
If more records or more bytes than this wait in a partition, the partition is paused until the other partitions have
caught up.
"""


class EvenReader:
    """
    Returns a consumer's records, roughly in order of arrival.

    Within each partition, the order stays exactly the same.

    If a poll returns the greatest number of records that is allowed, there is a backlog. The reader then remembers
    where each partition ends at that moment. The backlog lasts until the reader has reached all these ends. During a
    backlog, the reader returns a record only after all other partitions have been read up to the arrival time of this
    record (`LogAppendTime`, by the broker's clock).
    """

    def __init__(self, consumer: KafkaConsumer, ordered: Collection[TopicPartition]) -> None:
        """
        Create the reader.

        Args:
            consumer: the consumer. It must have its partitions and positions before `start` is called.
            ordered: the partitions to read in order of arrival. Records of other partitions are returned as they come.
        """
        self._consumer = consumer
        self._waiting: dict[TopicPartition, deque[Readable]] = {partition: deque() for partition in ordered}
        self._waiting_bytes = dict.fromkeys(ordered, 0)
        self._read_until = dict.fromkeys(ordered, 0)
        self._ends: dict[TopicPartition, int] = {}

    def start(self) -> None:
        """Treat all records that are now in the partitions as a backlog."""
        self._ends = self._consumer.end_offsets(list(self._waiting))

    def poll(self, timeout_ms: int) -> list[Readable]:
        """
        Return the next records.

        The list is empty if nothing has arrived in time, or if all records must wait for other partitions.
        """
        if not self._ends:
            records = self._read(timeout_ms, _LIVE_RECORDS)
            if len(records) >= _LIVE_RECORDS:
                self.start()
            return records
        return self._read_evenly(timeout_ms)

    def position(self, partition: TopicPartition) -> int:
        """Return the offset of the partition's record that `poll` returns next."""
        waiting = self._waiting[partition]
        return waiting[0].offset if waiting else self._consumer.position(partition)

    def read_until(self) -> int | None:
        """
        Return the arrival time up to which all partitions have been read, in ms since 1970.

        Return None if there is no backlog.
        """
        return min((self._read_until[partition] for partition in self._behind()), default=None)

    def _read(self, timeout_ms: int, limit: int) -> list[Readable]:
        polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=limit)
        return [record for records in polled.values() for record in records]

    def _read_evenly(self, timeout_ms: int) -> list[Readable]:
        ready: list[Readable] = []
        for record in self._read(timeout_ms if self._behind() else 0, _BACKLOG_RECORDS):
            partition = TopicPartition(record.topic, record.partition)
            if partition in self._waiting:
                self._waiting[partition].append(record)
                self._waiting_bytes[partition] += record_bytes(record)
                # A record without a usable timestamp does not have to wait. It also does not change the time up to
                # which its partition counts as read.
                self._read_until[partition] = max(self._read_until[partition], record.timestamp)
            else:
                ready.append(record)
        horizon = self.read_until()
        for partition, waiting in self._waiting.items():
            while waiting and (horizon is None or waiting[0].timestamp <= horizon):
                record = waiting.popleft()
                self._waiting_bytes[partition] -= record_bytes(record)
                ready.append(record)
        self._pace()
        if horizon is None:
            self._ends = {}
            if len(ready) >= _LIVE_RECORDS:
                self.start()
        return ready

    def _behind(self) -> list[TopicPartition]:
        return [partition for partition, end in self._ends.items() if self._consumer.position(partition) < end]

    def _pace(self) -> None:
        """Pause the partitions that are far ahead of the others, so that not too much waits in memory."""
        ahead = {
            partition
            for partition, waiting in self._waiting.items()
            if len(waiting) > _AHEAD_RECORDS or self._waiting_bytes[partition] > _AHEAD_BYTES
        }
        paused = self._consumer.paused()
        self._consumer.pause(*(ahead - paused))
        self._consumer.resume(*(paused - ahead))
