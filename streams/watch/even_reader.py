"""
Reads the topics evenly by time of arrival whenever there is a backlog.

If a backlog was read one partition after another, a referral would be seen hours before the decision on it, which is on
another topic. Deadlines would seem missed, and the next batch would withdraw the alerts that were raised.
"""

from collections import deque
from collections.abc import Collection

from kafka import KafkaConsumer, TopicPartition

from streams.kafka.bounded import ALL_FETCHED
from streams.kafka.records import Readable

__all__ = ["EvenReader"]

_LIVE_RECORDS = 500
_AHEAD_RECORDS = 5_000
"""If a partition has more records waiting than this, it is paused until the others have caught up."""


class EvenReader:
    """
    A consumer's records: within a partition in its order, and over all partitions roughly in order of arrival.

    A full poll shows that there is a backlog. The reader then notes where the partitions end. Until it has read up to
    there, it hands out a record only when every other partition with records left has been read up to that record's
    time of arrival (by the broker's clock, `LogAppendTime`).
    """

    def __init__(self, consumer: KafkaConsumer, ordered: Collection[TopicPartition]) -> None:
        """
        Args:
            consumer: must have its partitions and positions before `start`.
            ordered: the partitions to read evenly. Records of other partitions are handed out as they come.
        """
        self._consumer = consumer
        self._waiting: dict[TopicPartition, deque[Readable]] = {partition: deque() for partition in ordered}
        self._read_until = dict.fromkeys(ordered, 0)
        self._ends: dict[TopicPartition, int] = {}

    def start(self) -> None:
        """Treat everything that the partitions hold now as a backlog."""
        self._ends = self._consumer.end_offsets(list(self._waiting))

    def poll(self, timeout_ms: int) -> list[Readable]:
        """The next records; none if nothing comes in time, or if all must wait for other partitions."""
        if not self._ends:
            records = self._read(timeout_ms, _LIVE_RECORDS)
            if len(records) >= _LIVE_RECORDS:
                self.start()
            return records
        return self._read_evenly(timeout_ms)

    def position(self, partition: TopicPartition) -> int:
        """The offset of the next record to hand out."""
        waiting = self._waiting[partition]
        return waiting[0].offset if waiting else self._consumer.position(partition)

    def read_until(self) -> int | None:
        """Time of arrival (ms since 1970) up to which everything has been read; None when there is no backlog."""
        return min((self._read_until[partition] for partition in self._behind()), default=None)

    def _read(self, timeout_ms: int, limit: int) -> list[Readable]:
        polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=limit)
        return [record for records in polled.values() for record in records]

    def _read_evenly(self, timeout_ms: int) -> list[Readable]:
        ready: list[Readable] = []
        for record in self._read(timeout_ms if self._behind() else 0, ALL_FETCHED):
            partition = TopicPartition(record.topic, record.partition)
            if partition in self._waiting:
                self._waiting[partition].append(record)
                # A record without a usable time is not held back, and does not change how far reading has come.
                self._read_until[partition] = max(self._read_until[partition], record.timestamp)
            else:
                ready.append(record)
        horizon = self.read_until()
        for waiting in self._waiting.values():
            while waiting and (horizon is None or waiting[0].timestamp <= horizon):
                ready.append(waiting.popleft())
        self._pace()
        if horizon is None:
            self._ends = {}
            if len(ready) >= _LIVE_RECORDS:
                self.start()
        return ready

    def _behind(self) -> list[TopicPartition]:
        return [partition for partition, end in self._ends.items() if self._consumer.position(partition) < end]

    def _pace(self) -> None:
        """Pause the partitions that are far ahead, to limit how many records wait."""
        ahead = {partition for partition, waiting in self._waiting.items() if len(waiting) > _AHEAD_RECORDS}
        paused = self._consumer.paused()
        self._consumer.pause(*(ahead - paused))
        self._consumer.resume(*(paused - ahead))
