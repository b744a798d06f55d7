"""
The lander's loop. It reads records, validates them, and hands full batches to the writer.

While the writer stores one batch, the loop fills the next. The writer stores the batches one after another. When a
batch is stored, the loop commits the batch's offsets to Kafka.

No crash loses a record or lands a record twice, for three reasons. One transaction stores a batch's rows and offsets.
The transactions follow each other in the order of the offsets. After a restart, the loop continues after the last row.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from streams import names
from streams.errors import BrokerUnavailable, LakeConflict
from streams.kafka.client import partitions_of
from streams.kafka.drain import is_past
from streams.kafka.generations import recreated
from streams.kafka.reading import TolerantConsumer
from streams.kafka.records import WITH_ITS_TOPIC, deleted
from streams.lake.locks import LandingLocks
from streams.lake.resume import gone_with_their_topic, where_to_resume
from streams.land.batch import MAX_BYTES, Batch
from streams.land.store import LandingStore
from streams.land.writer import Writer
from streams.settings import Settings

__all__ = ["CONSUMER", "Lander"]

log = structlog.get_logger()

_POLL_SECONDS = 0.2
_POLL_SECONDS_WHILE_STORING = 0.02
"""
How long a poll may take while a batch is being stored. It is short, so that the loop soon notices the end of the
commit.
"""
_POLL_RECORDS = 10_000
_SECOND = 1.0
_SHOW_SECONDS = 60.0
CONSUMER: dict[str, Any] = {
    "max_poll_records": _POLL_RECORDS,
    "max_partition_fetch_bytes": 4 * 1024 * 1024,
    "group_id": names.LAND_GROUP,
}
"""
Options of the consumer. Its group commits offsets to Kafka. These offsets show how far landing is behind, and whether
Kafka deleted records before they were read.
"""


class Lander:
    """
    Lands records while it holds the landing locks.

    How a batch gets into the lake:

    1. The loop polls records and validates them. The loop checks that each partition continues at the offset where the
       last batch ended (`_poll`).
    2. A batch is full when it has `land_batch_rows` rows or 64 MiB of records. A batch that is not full is stored after
       `land_batch_seconds`, but it continues to fill while another batch is stored (`_full`).
    3. The loop waits until the batch before this one is stored. Then the loop asks the broker for the ids of the
       topics. If the ids are unchanged, no topic was recreated, and all polled records belong to the known generations.
       If the broker does not answer, the batch waits. If a topic was recreated, the batch may hold records of both
       generations. The batch is then discarded, and its records that Kafka still has are read again (`_hand_over`).
    4. The writer stores the batch on its own thread, while the loop fills the next one (`Writer`).
    5. When the batch is stored, the loop commits its offsets to the consumer group in Kafka (`_settle`). The committed
       offsets do not decide where landing continues: after a start, landing continues after the last rows in the lake
       (`_seek`).

    So if the process crashes before the lake's commit, the records of the batch are read again. If it crashes later,
    their rows are already in the lake, and reading continues after them.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        kafka: TolerantConsumer,
        locks: LandingLocks,
        store: LandingStore,
        writer: Writer,
    ) -> None:
        self._settings, self._kafka, self._locks, self._store, self._writer = settings, kafka, locks, store, writer
        self._batch = self._new_batch()
        self._following = dict(store.next)
        """For each partition, the offset that follows all records that were handed to the writer."""
        self._has_other_topics = False
        self._asked = self._showed = time.monotonic()
        self._seek()

    def run(self, stops: Callable[[], bool], *, once: bool) -> bool:
        """
        Land records until `stops` returns true.

        With `once`, also stop when everything that the topics hold now has landed.

        Returns:
            True if the run ended because topics or partitions have changed.
        """
        end = self._kafka.end_offsets(list(self._kafka.assignment())) if once else {}
        started = time.monotonic()
        while not stops() and not self._has_other_topics and not (once and is_past(self._kafka, end)):
            self._poll()
            if self._writer.ready:
                self._settle()
            if self._full():
                self._hand_over()
            if time.monotonic() - self._asked > _SECOND:
                self._give_way(stops)
                self._look_at_topics()
        self._hand_over()
        self._settle()
        if once and self._batch.rows:
            raise BrokerUnavailable("the broker went away before everything had landed; the next run reads the rest")
        self._writer.check()
        self._writer.checkpoint()
        self._writer.landed.seconds += time.monotonic() - started
        return self._has_other_topics

    def _look_at_topics(self) -> None:
        """
        Detect added partitions, recreated topics, and topics that end before an offset that has already been read.

        Raises:
            LakeConflict: a topic ends before an offset that has already been read.
        """
        self._has_other_topics |= set(partitions_of(self._kafka, names.LANDED_TOPICS)) > self._kafka.assignment()
        if not self._finds_other_topics(self._kafka.topic_ids(names.LANDED_TOPICS)):
            for partition in self._kafka.assignment():
                if (position := self._kafka.position(partition)) is not None:
                    self._goes_on(partition, position)
        if not self._batch.rows and self._writer.batch is None and time.monotonic() - self._showed > _SHOW_SECONDS:
            self._show_position()

    def _seek(self) -> None:
        """
        Move the consumer to the first offsets that have no row.

        Raises:
            LakeConflict: a topic ends before an offset that has already landed.
        """
        partitions = sorted(self._kafka.assignment())
        ends = self._kafka.end_offsets(partitions)
        generations, landed = self._store.generations, self._store.next
        for partition, following in where_to_resume(
            self._settings, self._kafka, generations, landed, partitions
        ).items():
            if following > ends[partition]:
                raise LakeConflict(
                    f"{partition.topic}/{partition.partition} ends at {ends[partition]}, but rows up to {following} "
                    "have landed: it has lost its end, or this lake belongs to another broker"
                )
            self._kafka.seek(partition, following)
        for partition, following, end in gone_with_their_topic(generations, landed, partitions):
            lost = list(deleted(partition, following, end, WITH_ITS_TOPIC))
            self._batch.add(partition.topic, partition.partition, lost)

    def _poll(self) -> None:
        timeout = _POLL_SECONDS_WHILE_STORING if self._writer.batch else max(0, min(_POLL_SECONDS, self._left()))
        room = max(1, min(_POLL_RECORDS, self._settings.land_batch_rows - self._batch.rows))
        for partition, records in self._kafka.poll(timeout_ms=int(timeout * 1000), max_records=room).items():
            if self._goes_on(partition, records[0].offset):
                self._batch.add(partition.topic, partition.partition, records)

    def _goes_on(self, partition: TopicPartition, offset: int) -> bool:
        """
        Return True if a partition continues at the expected offset or a later one; False if its topic was recreated.

        Raises:
            LakeConflict: the partition continues at an earlier offset, although its topic was not recreated.
        """
        place = (partition.topic, partition.partition)
        following = self._batch.next_offsets.get(place, self._following.get(place, 0))
        if offset < following and not self._finds_other_topics(self._kafka.topic_ids(names.LANDED_TOPICS)):
            raise LakeConflict(
                f"{partition.topic}/{partition.partition} continues at {offset} after {following}: "
                "the topic has lost its end while it was landed"
            )
        return offset >= following

    def _finds_other_topics(self, ids: Mapping[str, str]) -> bool:
        """Return whether topics were recreated since this lander began. If so, the loop of the lander will end."""
        found = bool(recreated(self._store.generations, ids))
        self._has_other_topics |= found
        return found

    def _left(self) -> float:
        """Return for how many seconds the batch may still wait for more records."""
        since = self._batch.since
        return _SECOND if since is None else since + self._settings.land_batch_seconds - time.monotonic()

    def _full(self) -> bool:
        """
        Return whether the batch must be stored now.

        A full batch must be stored. A batch that is not full must be stored when its time is over, but not while
        another batch is being stored.
        """
        if self._batch.rows >= self._settings.land_batch_rows or self._batch.bytes >= MAX_BYTES:
            return True
        return self._left() <= 0 and self._writer.batch is None

    def _hand_over(self) -> None:
        """Hand the batch to the writer, if it is certain that no topic was recreated while its records were read."""
        if not self._batch.rows:
            return
        self._settle()
        try:
            ids = self._kafka.asked_topic_ids(names.LANDED_TOPICS)
        except KafkaError as error:
            log.warning("batch_waits", reason=type(error).__name__)
            return
        if not self._finds_other_topics(ids):
            self._writer.start(self._batch)
            self._following |= self._batch.next_offsets
        self._batch = self._new_batch()  # if topics were recreated, the records are read again

    def _settle(self) -> None:
        """Wait for the batch that is being stored, and commit its offsets to Kafka."""
        stored = self._writer.wait()
        if stored is None:
            return
        self._show({TopicPartition(*place): following for place, following in stored.next_offsets.items()})

    def _show_position(self) -> None:
        """
        When everything is stored, commit to Kafka the offsets that the consumer has reached.

        Transaction markers and aborted records have no rows. So the rows alone would not show how far the topics were
        read.
        """
        positions = {partition: self._kafka.position(partition) for partition in self._kafka.assignment()}
        self._show({partition: at for partition, at in positions.items() if at is not None})
        self._showed = time.monotonic()

    def _show(self, offsets: dict[TopicPartition, int]) -> None:
        there = self._kafka.assignment()
        shown = {place: OffsetAndMetadata(at, "", -1) for place, at in offsets.items() if place in there}
        self._kafka.commit_async(shown)

    def _give_way(self, stops: Callable[[], bool]) -> None:
        """Release the landing locks for maintenance, and take them again when maintenance has finished."""
        self._asked = time.monotonic()
        if not self._locks.maintenance_waits():
            return
        self._hand_over()
        self._settle()
        self._locks.release()
        log.info("locks_handed_over")
        while self._locks.maintenance_waits() and not stops():
            time.sleep(_POLL_SECONDS)
        self._locks.acquire(lambda: not stops())

    def _new_batch(self) -> Batch:
        return Batch(self._settings.max_record_bytes)
