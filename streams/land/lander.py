"""
The loop: poll, judge by the contract, hand a full batch to the writer, and tell Kafka when it is stored.

While one batch is being stored the next one fills; it is not begun to be stored before the one ahead of it is done.
A crash anywhere loses nothing and doubles nothing: rows and offsets are one transaction, transactions come in the
order of the offsets, and the loop goes on where the rows end.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack

import pyarrow as pa
import structlog
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from streams import names
from streams.errors import LakeConflict
from streams.health import Sign, sign_of_life
from streams.kafka.client import consumer, partitions_of, producer
from streams.kafka.reading import TolerantConsumer
from streams.kafka.topics import ensure_topics, refuse_differences
from streams.lake.locks import LandingLocks
from streams.lake.topic_ids import check_made_anew
from streams.land.batch import MAX_BYTES, Batch
from streams.land.checks import Validator
from streams.land.dead_letters import DeadLetters
from streams.land.garbage import rarely_collected
from streams.land.store import LandingStore
from streams.land.writer import Landed, Writer
from streams.settings import Settings

__all__ = ["CONSUMER", "GROUP", "Landed", "Lander", "run"]

log = structlog.get_logger()

GROUP = "caf-land"
"""Consumer group whose commits show the lag; nothing is read from it."""

_POLL_SECONDS = 0.2
_POLL_SECONDS_WHILE_STORING = 0.02
"""Shorter, so that the end of a commit is seen soon."""
_POLL_RECORDS = 10_000
_SECOND = 1.0
CONSUMER = {"max_poll_records": _POLL_RECORDS, "max_partition_fetch_bytes": 4 * 1024 * 1024, "group_id": GROUP}
"""How the topics are read."""


def run(
    settings: Settings,
    *,
    validator: Validator | None = None,
    on_commit: Callable[[Landed], None] | None = None,
    until: Callable[[], bool] = lambda: False,
    for_seconds: float | None = None,
    once: bool = False,
) -> Landed:
    """
    Land every record of the landed topics, as a standby first for as long as another process does.

    Args:
        validator: judges what was stored.
        on_commit: called after each commit with the totals so far.
        until: asked several times a second; the run ends, with everything polled stored, when it says yes.
        for_seconds: the run ends after this time.
        once: the run ends when what the topics hold now has landed.

    Raises:
        BrokerUnavailable: no broker answers.
        TopicsUnfit: a topic is set up so that a promise would be broken.
        LakeUnavailable: the catalog does not answer; everything committed is safe.
        LakeConflict: another process has landed the same offsets, or the topics are others than those landed.
    """
    deadline = None if for_seconds is None else time.monotonic() + for_seconds

    def stops() -> bool:
        return until() or (deadline is not None and time.monotonic() >= deadline)

    landed = Landed()
    with rarely_collected(), sign_of_life(settings, "land") as sign:
        ensure_topics(settings)
        refuse_differences(settings)
        while _land(settings, landed, stops, sign=sign, validator=validator, on_commit=on_commit, once=once):
            log.info("partitions_added")
    return landed


def _land(
    settings: Settings,
    landed: Landed,
    stops: Callable[[], bool],
    *,
    sign: Sign,
    validator: Validator | None,
    on_commit: Callable[[Landed], None] | None,
    once: bool,
) -> bool:
    """Land the partitions that there are now; returns whether there are others to begin anew with."""

    def turns() -> bool:
        sign.turn()
        return stops()

    with ExitStack() as stack:
        kafka = consumer(settings, **CONSUMER)
        stack.callback(kafka.close)
        kafka.assign(partitions_of(kafka, names.LANDED_TOPICS))
        kafka.seek_to_beginning()
        letters = DeadLetters(settings)
        stack.callback(letters.close)
        parts = producer(settings)
        stack.callback(parts.close)
        locks = LandingLocks(settings, {partition.partition for partition in kafka.assignment()}, is_lease=True)
        stack.callback(locks.close)
        sign.stand_by()
        if not locks.acquire(lambda: not stops()):
            return False
        store = LandingStore(settings)
        stack.callback(store.close)
        writer = Writer(store, letters, parts, validator, on_commit)
        writer.landed = landed
        stack.callback(writer.close)
        return Lander(settings, kafka=kafka, locks=locks, store=store, writer=writer).run(turns, once=once)


class Lander:
    """One holder of the landing locks."""

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
        """Where each partition goes on after what was handed over."""
        self._topic_ids = self._know_topics()
        self._asked = time.monotonic()
        self._seek()

    def run(self, stops: Callable[[], bool], *, once: bool) -> bool:
        """Land until told to stop, or once up to the present end; ends early, with True, when partitions were added."""
        has_grown, end = False, self._kafka.end_offsets(list(self._kafka.assignment())) if once else {}
        started = time.monotonic()
        while not stops() and not has_grown and not (once and self._reached(end)):
            self._poll()
            if self._writer.ready:
                self._settle()
            if self._full():
                self._hand_over()
            if time.monotonic() - self._asked > _SECOND:
                self._give_way(stops)
                check_made_anew(self._topic_ids, self._kafka.topic_ids(names.LANDED_TOPICS))
                has_grown = set(partitions_of(self._kafka, names.LANDED_TOPICS)) > self._kafka.assignment()
        self._hand_over()
        self._settle()
        self._writer.check()
        self._writer.landed.seconds += time.monotonic() - started
        return has_grown

    def _know_topics(self) -> dict[str, str]:
        """
        Keep the ids of the topics beside their offsets.

        Raises:
            LakeConflict: a topic is another one than that of which the lake has rows.
        """
        known, ids = self._store.topic_ids(), self._kafka.topic_ids(names.LANDED_TOPICS)
        check_made_anew(known, ids)
        if new := {topic: id_ for topic, id_ in ids.items() if topic not in known}:
            rows = pa.table({"topic": list(new), "topic_id": list(new.values())})
            self._store.commit({"topics": rows}, {})
        return ids

    def _seek(self) -> None:
        """
        Go on where the rows end.

        Raises:
            LakeConflict: a topic ends before its rows do.
        """
        partitions = sorted(self._kafka.assignment())
        beginnings, ends = self._kafka.beginning_offsets(partitions), self._kafka.end_offsets(partitions)
        for partition in partitions:
            following = self._store.next.get((partition.topic, partition.partition))
            if following is None:
                continue
            if following > ends[partition]:
                raise LakeConflict(
                    f"{partition.topic}/{partition.partition} ends at {ends[partition]}, but rows up to {following} "
                    "have landed: this lake belongs to another broker, or the topic was made anew"
                )
            if following < beginnings[partition]:
                lost = beginnings[partition] - following
                log.error("records_expired", topic=partition.topic, partition=partition.partition, records=lost)
            self._kafka.seek(partition, max(following, beginnings[partition]))

    def _poll(self) -> None:
        timeout = _POLL_SECONDS_WHILE_STORING if self._writer.batch else max(0, min(_POLL_SECONDS, self._left()))
        room = max(1, min(_POLL_RECORDS, self._settings.land_batch_rows - self._batch.rows))
        for partition, records in self._kafka.poll(timeout_ms=int(timeout * 1000), max_records=room).items():
            self._refuse_repeats(partition, records[0].offset)
            self._batch.add(partition.topic, partition.partition, records)

    def _refuse_repeats(self, partition: TopicPartition, offset: int) -> None:
        """
        Make sure that a topic goes on where it was.

        Raises:
            LakeConflict: it begins again: it was made anew, or has lost its end.
        """
        place = (partition.topic, partition.partition)
        following = self._batch.next_offsets.get(place, self._following.get(place, 0))
        if offset < following:
            raise LakeConflict(
                f"{partition.topic}/{partition.partition} goes on at {offset} after {following}: "
                "the topic was made anew or has lost records while it was landed"
            )

    def _left(self) -> float:
        """Seconds that the batch may still wait for more."""
        since = self._batch.since
        return _SECOND if since is None else since + self._settings.land_batch_seconds - time.monotonic()

    def _full(self) -> bool:
        """Whether the batch must be stored; one that has only waited long enough fills on while another is stored."""
        if self._batch.rows >= self._settings.land_batch_rows or self._batch.bytes >= MAX_BYTES:
            return True
        return self._left() <= 0 and self._writer.batch is None

    def _hand_over(self) -> None:
        if not self._batch.rows:
            return
        self._settle()
        self._writer.start(self._batch)
        self._following |= self._batch.next_offsets
        self._batch = self._new_batch()

    def _settle(self) -> None:
        """Wait for the batch that is being stored, and show in Kafka how far it went."""
        stored = self._writer.wait()
        if stored is None:
            return
        offsets = {
            TopicPartition(topic, partition): OffsetAndMetadata(following, "", -1)
            for (topic, partition), following in stored.next_offsets.items()
        }
        self._kafka.commit_async(offsets)

    def _give_way(self, stops: Callable[[], bool]) -> None:
        """Hand the locks over to maintenance for as long as it works."""
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

    def _reached(self, end: dict[TopicPartition, int]) -> bool:
        return all(self._kafka.position(partition) >= offset for partition, offset in end.items())

    def _new_batch(self) -> Batch:
        return Batch(self._settings.max_record_bytes)
