"""A fetcher that continues past damage. It returns a value in place of each unreadable or deleted record."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import structlog
from kafka import TopicPartition
from kafka.consumer import fetcher
from kafka.errors import NoError, OffsetOutOfRangeError
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords

from streams.contracts.record import record_bytes
from streams.kafka.batches import Batch, Damage, split
from streams.kafka.bounded import BoundedFetcher, BoundedRecords
from streams.kafka.places import REFUSALS, Places
from streams.kafka.records import BY_RETENTION, WITH_ITS_TOPIC, Readable, deleted, records, unreadable

__all__ = ["TolerantFetcher"]

log = structlog.get_logger()

_STUCK_SECONDS = 2.0
"""
For how many seconds the broker may send nothing from a partition that has records. After that, the broker is asked
about this partition separately.
"""
_LACKS = "a batch whose CRC is right"


class TolerantFetcher(BoundedFetcher):
    """
    A fetcher that continues when it meets damage. kafka-python's own fetcher would raise an error.

    Inside this class, offsets are Kafka's own. The records that the class returns are numbered: `first_number` gives
    the number of a partition's offset 0, and later offsets get the numbers that follow.
    """

    def __init__(self, *args: object, first_number: Callable[[TopicPartition], int], **config: object) -> None:
        super().__init__(*args, **config)
        self.first_number = first_number
        self._looked_at = time.monotonic()
        self._positions: dict[TopicPartition, int] = {}
        self._stuck: set[tuple[TopicPartition, int]] = set()
        self.places = Places(self, self._manager, self._isolation_level)
        self.PartitionRecords = partial(_Records, self)

    def _parse_fetched_data(self, completed_fetch: fetcher.CompletedFetch) -> "_Records | None":
        place, offset, _, answer, _ = completed_fetch
        is_away = answer.error_code == OffsetOutOfRangeError.errno
        if not is_away and not self._is_damaged(place, offset, answer):
            return self._as_kafka_does(completed_fetch)
        if not self._subscriptions.is_fetchable(place) or self._subscriptions.position(place).offset != offset:
            return None
        if is_away and offset >= self.places.beginning(place):
            log.error("topic_ends_before", topic=place.topic, partition=place.partition, offset=offset)
            return self._as_kafka_does(completed_fetch)
        kind = partial(_Deleted, self) if is_away else self.PartitionRecords
        fetched = MemoryRecords(b"" if answer.records is None else answer.records)
        return kind(
            offset, place, fetched, isolation_level=self._isolation_level, on_drain=self._on_partition_records_drain
        )

    def _as_kafka_does(self, completed_fetch: fetcher.CompletedFetch) -> "_Records | None":
        parsed: _Records | None = super()._parse_fetched_data(completed_fetch)
        return parsed

    def fetch_records(self, *args: object, **config: object) -> tuple[dict[TopicPartition, list[Readable]], bool]:
        """Fetch as kafka-python does. Every two seconds, also ask the broker about partitions that send nothing."""
        if time.monotonic() - self._looked_at > _STUCK_SECONDS:
            self._look_after_silent_places()
            self._looked_at = time.monotonic()
        fetched: tuple[dict[TopicPartition, list[Readable]], bool] = super().fetch_records(*args, **config)
        return fetched

    async def _send_list_offsets_requests(
        self, timestamps: dict[TopicPartition, int]
    ) -> tuple[dict[TopicPartition, Any], set[TopicPartition]]:
        """
        Ask for offsets as kafka-python does, and ask again for partitions without a known leader.

        kafka-python would leave out such partitions without saying so.
        """
        leaders = {place: self._manager.cluster.leader_for_partition(place) for place in timestamps}
        offsets, again = await super()._send_list_offsets_requests(timestamps)
        return offsets, again | {place for place, leader in leaders.items() if leader in (None, -1)}

    def highwater(self, place: TopicPartition) -> int | None:
        """Return the end offset of the partition according to the broker's last answer."""
        end: int | None = self._subscriptions.assignment[place].highwater
        return end

    def _look_after_silent_places(self) -> None:
        """
        Ask the broker separately about partitions that send nothing although they have records.

        If a broker cannot read past damage, it may answer as if there were no more records.
        """
        states = {place: self._subscriptions.assignment[place] for place in self._fetchable_partitions()}
        positions = {place: state.position.offset for place, state in states.items()}
        for place, offset in positions.items():
            waits = self._positions.get(place) == offset < (states[place].highwater or 0)
            if waits and (answer := self.places.silent(place, offset)) is not None:
                self._stuck.add((place, offset))
                self._completed_fetches.append(fetcher.CompletedFetch(place, offset, 0, answer, None))
        self._positions = positions

    def _is_damaged(self, place: TopicPartition, offset: int, answer: Any) -> bool:
        """
        Return whether the broker's answer shows damage.

        The broker has met damage if it refuses the fetch, sends no complete batch, or has sent nothing for
        `_STUCK_SECONDS`.
        """
        if answer.error_code != NoError.errno:
            return answer.error_code in REFUSALS
        if not answer.records:
            return (place, offset) in self._stuck
        return not MemoryRecords(answer.records).has_next()


class _Records(BoundedRecords):
    """Yields the fetched records of one partition one by one."""

    fetch_offset: int
    next_fetch_offset: int

    def __init__(self, fetcher: TolerantFetcher, *args: object, **config: object) -> None:
        self._fetcher = fetcher
        super().__init__(*args, **config)
        self._first = fetcher.first_number(self.topic_partition)

    def _maybe_skip_record(self, record: Readable) -> bool:
        return record.offset - self._first < self.fetch_offset

    def _unpack_records(self, tp: TopicPartition, fetched: MemoryRecords, *_: object) -> Iterator[Readable]:
        for piece in self._pieces(tp, bytes(fetched._buffer), self._fetcher.highwater(tp)):  # noqa: SLF001
            if isinstance(piece, Batch):
                if not self._is_hidden(piece):
                    yield from map(self._count, records(tp, piece.numbered(self._first)))
                self.next_fetch_offset = max(self.next_fetch_offset, piece.last + 1)
                continue
            yield from self._lost(tp, piece)
            if piece.end is None or self.aborted_producer_ids or self.aborted_transactions:
                break  # an abort marker may be lost: ask the broker again what was committed
        self.drain()

    def _pieces(self, place: TopicPartition, fetched: bytes, end: int | None) -> Iterator[Batch | Damage]:
        """
        Split the fetched bytes. If they begin with damage, fetch more bytes around it.

        More bytes are needed because a broker may skip damage, or send nothing after it.
        """
        first, is_cut = next(split(fetched, self.fetch_offset, end), None), True
        if not isinstance(first, Batch) or first.base > self.fetch_offset:
            found = self._fetcher.places.around(place, self.fetch_offset, is_served=isinstance(first, Batch))
            if found is not None:
                (fetched, aborted), is_cut = found, False
                self.aborted_transactions.clear()
                self.aborted_transactions.extend(sorted(aborted, key=lambda one: one.first_offset))
            end = self._fetcher.places.end(place)
        if not fetched:
            return iter([Damage(None, None, memoryview(b""))])
        return split(fetched, self.fetch_offset, end, is_cut=is_cut)

    def _count(self, record: Readable) -> Readable:
        if (offset := record.offset - self._first) >= self.fetch_offset:
            self.next_fetch_offset = offset + 1
            self.records_read += 1
            self.bytes_read += record_bytes(record)
        return record

    def _is_hidden(self, batch: Batch) -> bool:
        """Return whether consumers must not see the batch: a control batch, or part of an aborted transaction."""
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.producer_id >= 0:
            self._consume_aborted_transactions_up_to(batch.last)
            if batch.is_control:
                self.aborted_producer_ids.discard(batch.producer_id)
            elif batch.is_transactional and batch.producer_id in self.aborted_producer_ids:
                return True
        return batch.is_control

    def _lost(self, place: TopicPartition, damage: Damage) -> Iterator[Readable]:
        first, following = self.next_fetch_offset, damage.end
        if following is None:
            following = self._fetcher.places.readable_after(place, first, damage.last)
        if following > first:
            log.error("batch_unreadable", topic=place.topic, partition=place.partition, first=first, end=following)
            first, following = first + self._first, following + self._first
            yield from map(self._count, unreadable(place, first, following, bytes(damage.raw) or None, _LACKS))


class _Deleted(_Records):
    """
    The deleted offsets between a consumer's position and the first offset that the topic still has.

    Offsets below 0 belong to an earlier generation of the topic. Some of the deleted offsets may have held control
    markers or aborted records.
    """

    def _unpack_records(self, tp: TopicPartition, *_: object) -> Iterator[Readable]:
        first, end = self.fetch_offset, self._fetcher.places.beginning(tp)
        numbers = {"first": first + self._first, "end": end + self._first}
        log.error("records_deleted_unread", topic=tp.topic, partition=tp.partition, **numbers)
        for begins, ends, how in ((first, min(end, 0), WITH_ITS_TOPIC), (max(first, 0), end, BY_RETENTION)):
            yield from map(self._count, deleted(tp, begins + self._first, ends + self._first, how))
        self.next_fetch_offset = end
        self.drain()
