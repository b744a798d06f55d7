"""The topics as one term reads them: how far each partition is, and whether they are still the same topics."""

from collections.abc import Iterable, Mapping

import structlog
from kafka import TopicPartition

from streams import names
from streams.contracts.decode import Reason, Unreadable
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
"""Of one partition at once; about 2,000 records, so that one fetch of all partitions is a batch of a backlog."""


class Reading:
    """
    A consumer of the input topics and of the alerts topic.

    Attributes:
        consumer: which reads them.
        partitions: all of them when the term began.
        topic_ids: Kafka's ids of the topics then.
        offsets: where each partition goes on after what was taken, as the lake counts.
        is_over: whether the topics have been found to be others than when the term began.

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

    def close(self) -> None:
        """Disconnect."""
        self.consumer.close()

    def of(self, *topics: str) -> list[TopicPartition]:
        """The partitions of some topics."""
        return [partition for partition in self.partitions if partition.topic in topics]

    def seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Begin at some offsets; the consumer is assigned its partitions."""
        beginnings = self.consumer.beginning_offsets(self.partitions)
        self._lost_until = {place: beginnings[place] for place in self.of(*names.INPUT_TOPICS)}
        for place, offset in offsets.items():
            # Of alerts that Kafka has deleted, the state has what there is to know.
            begin = offset if place in self._lost_until else max(offset, beginnings[place])
            self.consumer.seek(place, begin)
            self.offsets[place] = begin

    def start(self) -> None:
        """Take what the partitions hold now for a backlog."""
        self._reader.start()

    def input_ends(self) -> dict[TopicPartition, int]:
        """Where the partitions of the input topics end now."""
        return self.consumer.end_offsets(self.of(*names.INPUT_TOPICS))

    def is_before(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether any partition of some input topics is still to be read up to there."""
        return any(self._reader.position(place) < end for place, end in ends.items())

    def poll(self, patience_ms: int) -> list[Readable]:
        """
        The next records; none of topics that are others than when the term began, which is then over.

        Raises:
            RecordsDeleted: some of them are there no more, which may be in the lake.
        """
        records = self._reader.poll(patience_ms)
        # Looked at here, while nobody has used the records: those of another topic would be taken for the old one's.
        self.is_over = self._has_other_topics(records)
        if self.is_over:
            return []
        for one in records:
            if _is_deleted(one) and one.offset >= self._lost_until.get((one.topic, one.partition), one.offset + 1):
                raise RecordsDeleted(f"{one.topic}/{one.partition} has lost {one.offset} before it was read here")
        return records

    def read_until(self) -> int | None:
        """Arrival (ms since 1970) up to which everything has been read; None when there is no backlog."""
        return self._reader.read_until()

    def note_taken(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Partitions were taken, or written, up to some offsets; what is read of one's own alerts is behind these."""
        self.offsets |= {place: max(offset, self.offsets.get(place, 0)) for place, offset in offsets.items()}

    def note_written(self, written: Mapping[int, int]) -> None:
        """Partitions of the alerts topic were written up to some offsets of Kafka's."""
        places = {TopicPartition(names.ALERTS, number): offset for number, offset in written.items()}
        self.note_taken(self.consumer.numbered(places))

    def _has_other_topics(self, records: Iterable[Readable]) -> bool:
        """Whether a topic was recreated since the start of the term, or is read again from before where it was."""
        ids = self.consumer.topic_ids(self.topic_ids)
        recreated = [topic for topic, id_ in ids.items() if self.topic_ids[topic] != id_]
        ended = {place for place in self._lost_until if self._reader.position(place) < self.offsets[place]}
        for one in records:
            place = TopicPartition(one.topic, one.partition)
            if place in self._lost_until and one.offset < self.offsets[place]:
                ended.add(place)
        if recreated or ended:
            log.warning("topics_changed", recreated=recreated, without_their_end=sorted(ended))
        return bool(recreated or ended)

    def has_other_partitions(self) -> bool:
        """Whether partitions were added since the start of the term."""
        found = partitions_of(self.consumer, self.topic_ids)
        is_more = len(found) > len(self.partitions)
        if is_more:
            log.warning("partitions_added", partitions=len(found))
        return is_more


def _is_deleted(record: object) -> bool:
    return type(record) is Unreadable and record.reason is Reason.DELETED_UNREAD
