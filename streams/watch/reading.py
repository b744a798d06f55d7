"""Reads the topics during one term. Remembers how far each partition has been read, and whether topics have changed."""

from collections.abc import Iterable, Mapping
from time import monotonic

import structlog
from kafka import TopicPartition

from streams import names
from streams.contracts.checks import Reason
from streams.contracts.record import Unreadable
from streams.errors import RecordsDeleted
from streams.kafka.client import partitions_of
from streams.kafka.records import Readable
from streams.settings import Settings
from streams.watch.consumer import watch_consumer
from streams.watch.even_reader import EvenReader

__all__ = ["Reading"]

log = structlog.get_logger()

_TOPICS = (*names.INPUT_TOPICS, names.ALERTS)
_FETCH_BYTES = 1024 * 1024
"""
The most bytes to fetch from one partition at once. They hold about 2,000 records. One fetch from all partitions makes
one batch.
"""

_LOOK_SECONDS = 1.0
"""How often to look whether the consumer has gone back to an earlier offset."""


class Reading:
    """
    A consumer of the input topics and of the alerts topic.

    Attributes:
        consumer: the Kafka consumer that reads the topics.
        partitions: all partitions of the topics when the term began.
        topic_ids: Kafka's ids of the topics when the term began.
        offsets: the next offset of each partition, after the records that were taken in. Offsets are numbered as in the
            lake.
        is_over: whether topics have changed since the term began, so that the term must end.

    Raises:
        BrokerUnavailable: no broker answers.
    """

    def __init__(self, settings: Settings) -> None:
        self.consumer = watch_consumer(settings, fetch_max_wait_ms=500, max_partition_fetch_bytes=_FETCH_BYTES)
        self.partitions = partitions_of(self.consumer, _TOPICS)
        self.topic_ids = self.consumer.topic_ids(_TOPICS)
        self.offsets: dict[TopicPartition, int] = {}
        self._reader = EvenReader(self.consumer, self.of(*names.INPUT_TOPICS))
        self.is_over = False
        self._lost_until: dict[TopicPartition, int] = {}
        self._looks_at = 0.0

    def close(self) -> None:
        """Disconnect from the broker."""
        self.consumer.close()

    def of(self, *topics: str) -> list[TopicPartition]:
        """Return the partitions of the given topics."""
        return [partition for partition in self.partitions if partition.topic in topics]

    def seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Set where to begin in each partition. The consumer must already have its partitions."""
        beginnings = self.consumer.beginning_offsets(self.partitions)
        self._lost_until = {place: beginnings[place] for place in self.of(*names.INPUT_TOPICS)}
        for place, offset in offsets.items():
            # Deleted records of the alerts topic can be skipped, because the state already has their alerts.
            begin = offset if place in self._lost_until else max(offset, beginnings[place])
            self.consumer.seek(place, begin)
            self.offsets[place] = begin

    def start(self) -> None:
        """Treat all records that are now in the partitions as a backlog."""
        self._reader.start()

    def input_ends(self) -> dict[TopicPartition, int]:
        """Return the offsets at which the partitions of the input topics end now."""
        return self.consumer.end_offsets(self.of(*names.INPUT_TOPICS))

    def is_before(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Return whether any of these partitions has not yet been read up to its offset in `ends`."""
        return any(self._reader.position(place) < end for place, end in ends.items())

    def poll(self, patience_ms: int) -> list[Readable]:
        """
        Return the next records.

        If topics have changed since the term began, set `is_over` and return nothing. The term must then end.

        Raises:
            RecordsDeleted: Kafka deleted records before they were read. The lake may have them.
        """
        records = self._reader.poll(patience_ms)
        # Check this before using the records. Otherwise records of a recreated topic would count as records of the old
        # topic.
        self.is_over = self._has_other_topics(records)
        if self.is_over:
            return []
        for one in records:
            if _is_deleted(one) and one.offset >= self._lost_until.get((one.topic, one.partition), one.offset + 1):
                raise RecordsDeleted(f"{one.topic}/{one.partition}/{one.offset} was deleted before the watcher read it")
        return records

    def read_until(self) -> int | None:
        """
        Return the arrival time up to which all partitions have been read, in ms since 1970.

        Return None if there is no backlog.
        """
        return self._reader.read_until()

    def note_taken(self, offsets: Mapping[TopicPartition, int]) -> None:
        """
        Remember the next offset of each partition, after records were taken in or written.

        A given offset is ignored if it is lower than the remembered one. This happens because the watcher reads its own
        alerts only after it has written them.
        """
        self.offsets |= {place: max(offset, self.offsets.get(place, 0)) for place, offset in offsets.items()}

    def note_written(self, written: Mapping[int, int]) -> None:
        """
        Remember the next offset of each partition of the alerts topic, after versions were written.

        The given offsets are Kafka's.
        """
        places = {TopicPartition(names.ALERTS, number): offset for number, offset in written.items()}
        self.note_taken(self.consumer.numbered(places))

    def _has_other_topics(self, records: Iterable[Readable]) -> bool:
        """Return whether a topic was recreated since the term began, or has lost its newest records."""
        ids = self.consumer.topic_ids(self.topic_ids)
        recreated = [topic for topic, id_ in ids.items() if self.topic_ids[topic] != id_]
        ended = self._set_back()
        for one in records:
            place = TopicPartition(one.topic, one.partition)
            if place in self._lost_until and one.offset < self.offsets[place]:
                ended.add(place)
        if recreated or ended:
            log.warning("topics_changed", recreated=recreated, without_their_end=sorted(ended))
        return bool(recreated or ended)

    def _set_back(self) -> set[TopicPartition]:
        """
        Once a second, return the partitions of which the consumer has gone back to an earlier offset.

        To ask the consumer for its positions took a sixth of the watcher's CPU when every poll did so. Records that
        arrive from such an earlier offset are found by their own offsets.
        """
        if monotonic() < self._looks_at:
            return set()
        self._looks_at = monotonic() + _LOOK_SECONDS
        return {place for place in self._lost_until if self._reader.position(place) < self.offsets[place]}

    def has_other_partitions(self) -> bool:
        """Return whether a topic has more partitions than when the term began."""
        found = partitions_of(self.consumer, self.topic_ids)
        is_more = len(found) > len(self.partitions)
        if is_more:
            log.warning("partitions_added", partitions=len(found))
        return is_more


def _is_deleted(record: object) -> bool:
    return type(record) is Unreadable and record.reason is Reason.DELETED_UNREAD
