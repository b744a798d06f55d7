"""
The loop: poll, judge by the contract, store in one transaction, then tell Kafka and the validator.

A crash anywhere loses nothing and doubles nothing, because the loop goes on where the rows end.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from streams import names
from streams.errors import LakeConflict
from streams.kafka.client import consumer, partitions_of, producer
from streams.kafka.topics import ensure_topics
from streams.lake.locks import LandingLocks
from streams.land.batch import MAX_BYTES, Batch
from streams.land.checks import Checks, Validator
from streams.land.dead_letters import send_dead_letters
from streams.land.store import LandingStore
from streams.settings import Settings

__all__ = ["CONSUMER", "GROUP", "Landed", "Lander", "run"]

log = structlog.get_logger()

GROUP = "caf-land"
"""Consumer group whose commits show the lag; nothing is read from it."""

_POLL_SECONDS = 0.2
_POLL_RECORDS = 10_000
_COMPACT_AFTER_COMMITS = 100
_SECOND = 1.0
CONSUMER = {"max_poll_records": _POLL_RECORDS, "max_partition_fetch_bytes": 4 * 1024 * 1024, "group_id": GROUP}
"""How the topics are read."""


@dataclass
class Landed:
    """What one run has stored."""

    events: int = 0
    rejected: int = 0
    outputs: int = 0
    batches: int = 0

    @property
    def rows(self) -> int:
        """Records of all topics."""
        return self.events + self.rejected + self.outputs


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
        LakeUnavailable: the catalog does not answer; everything committed is safe.
        LakeConflict: another process has landed the same offsets, or the topics are others than those landed.
    """
    deadline = None if for_seconds is None else time.monotonic() + for_seconds

    def stops() -> bool:
        return until() or (deadline is not None and time.monotonic() >= deadline)

    ensure_topics(settings)
    with ExitStack() as stack:
        kafka = consumer(settings, names.LANDED_TOPICS, **CONSUMER)
        stack.callback(kafka.close)
        letters = producer(settings, max_request_size=8 * settings.max_record_bytes)
        stack.callback(letters.close)
        locks = LandingLocks(settings, {partition.partition for partition in kafka.assignment()})
        stack.callback(locks.close)
        if not locks.acquire(lambda: not stops()):
            return Landed()
        store = LandingStore(settings)
        stack.callback(store.close)
        lander = Lander(
            settings, kafka=kafka, letters=letters, locks=locks, store=store, validator=validator, on_commit=on_commit
        )
        lander.run(stops, once=once)
        return lander.landed


class Lander:
    """One holder of the landing locks."""

    def __init__(
        self,
        settings: Settings,
        *,
        kafka: KafkaConsumer,
        letters: KafkaProducer,
        locks: LandingLocks,
        store: LandingStore,
        validator: Validator | None,
        on_commit: Callable[[Landed], None] | None,
    ) -> None:
        self._settings, self._kafka, self._letters, self._locks, self._store = settings, kafka, letters, locks, store
        self._checks = Checks(store, validator) if validator else None
        self._on_commit = on_commit
        self.landed = Landed()
        self._identities = store.identities(self._value_at)
        self._landed_at = store.last_landed_at() or datetime.fromtimestamp(0, UTC)
        self._batch = self._new_batch()
        self._asked = time.monotonic()
        self._uncompacted = 0
        self._seek()

    def run(self, stops: Callable[[], bool], *, once: bool) -> None:
        """Land until told to stop, or once up to the present end of the topics."""
        end = self._kafka.end_offsets(list(self._kafka.assignment())) if once else {}
        while not stops() and not (once and self._reached(end)):
            self._poll()
            if self._full():
                self._commit()
            if time.monotonic() - self._asked > _SECOND:
                self._give_way(stops)
        self._commit()
        if self._checks:
            self._checks.run(self._landed_at)

    def _seek(self) -> None:
        """
        Go on where the rows end.

        Raises:
            LakeConflict: a topic ends before its rows do.
        """
        partitions = partitions_of(self._kafka, names.LANDED_TOPICS)
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
        since = self._batch.since
        left = 1.0 if since is None else since + self._settings.land_batch_seconds - time.monotonic()
        timeout = max(0, min(_POLL_SECONDS, left))
        room = max(1, min(_POLL_RECORDS, self._settings.land_batch_rows - self._batch.rows))
        for partition, records in self._kafka.poll(timeout_ms=int(timeout * 1000), max_records=room).items():
            self._batch.add(partition.topic, partition.partition, records)

    def _full(self) -> bool:
        batch, settings = self._batch, self._settings
        if batch.since is None:
            return False
        waited = time.monotonic() - batch.since
        return (
            batch.rows >= settings.land_batch_rows or batch.bytes >= MAX_BYTES or waited >= settings.land_batch_seconds
        )

    def _commit(self) -> None:
        batch = self._batch
        if not batch.rows:
            return
        started = time.monotonic()
        if batch.rejected:
            send_dead_letters(self._letters, batch.rejected)
        # Ranges of `landed_at` tell batches apart, so it must grow even when the clock does not.
        self._landed_at = max(datetime.now(UTC), self._landed_at + timedelta(microseconds=1))
        self._store.commit(batch.tables(self._landed_at), batch.next_offsets)
        self._batch = self._new_batch()
        self._count(batch, time.monotonic() - started)
        self._show_lag(batch)
        if self._on_commit:
            self._on_commit(self.landed)
        if self._checks and self._checks.due():
            self._checks.run(self._landed_at)
        self._compact()

    def _count(self, batch: Batch, seconds: float) -> None:
        outputs = sum(map(len, batch.outputs.values()))
        self.landed.events += len(batch.accepted)
        self.landed.rejected += len(batch.rejected)
        self.landed.outputs += outputs
        self.landed.batches += 1
        log.info(
            "batch_landed",
            events=len(batch.accepted),
            rejected=len(batch.rejected),
            outputs=outputs,
            commit_seconds=round(seconds, 3),
        )

    def _show_lag(self, batch: Batch) -> None:
        offsets = {
            TopicPartition(topic, partition): OffsetAndMetadata(following, "", -1)
            for (topic, partition), following in batch.next_offsets.items()
        }
        self._kafka.commit_async(offsets)

    def _compact(self) -> None:
        self._uncompacted += 1
        if self._uncompacted >= _COMPACT_AFTER_COMMITS:
            self._store.compact()
            self._uncompacted = 0

    def _give_way(self, stops: Callable[[], bool]) -> None:
        """Hand the locks over to maintenance for as long as it works."""
        self._asked = time.monotonic()
        if not self._locks.maintenance_waits():
            return
        self._commit()
        self._locks.release()
        log.info("locks_handed_over")
        while self._locks.maintenance_waits() and not stops():
            time.sleep(_POLL_SECONDS)
        self._locks.acquire(lambda: not stops())

    def _reached(self, end: dict[TopicPartition, int]) -> bool:
        return all(self._kafka.position(partition) >= offset for partition, offset in end.items())

    def _new_batch(self) -> Batch:
        return Batch(self._identities, self._settings.max_record_bytes)

    def _value_at(self, topic: str, partition: int, offset: int) -> bytes:
        return self._batch.value_of(topic, partition, offset) or self._store.value_at(topic, partition, offset)
