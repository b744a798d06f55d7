"""
A consumer that nothing on a topic stops: what cannot be read comes out of `poll` as a value that says so.

kafka-python raises from `poll` at such a place, for ever. Here it is one `Unreadable` for each offset that is lost, and
the next batch is read.
"""

import time
from collections.abc import Iterable, Iterator
from functools import partial

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer import fetcher
from kafka.errors import NoError
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords

from streams.kafka.batches import Batch, Damage, split
from streams.kafka.bounded import BoundedFetcher
from streams.kafka.places import REFUSALS, Places
from streams.kafka.records import Readable, records, unreadable

__all__ = ["TolerantConsumer", "all_partitions"]

log = structlog.get_logger()

_STUCK_SECONDS = 2.0
"""After which a place that should have records, and of which nothing comes, is looked at by itself."""
_LACKS = "a batch whose CRC is right"


class TolerantConsumer(KafkaConsumer):
    """kafka-python's consumer; its records are `ConsumerRecord`, or `Unreadable` where there is none to be had."""

    def __init__(self, **config: object) -> None:
        super().__init__(**config)
        self._fetcher = _Fetcher(self._client, self._subscription, **self.config)
        self._topics: tuple[str, ...] = ()

    def follow(self, topics: Iterable[str]) -> None:
        """Read all partitions of some topics from their beginning, those included that are added from now on."""
        self._topics = tuple(topics)
        self._take_on()

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these partitions and no others."""
        self._topics = ()
        super().assign(partitions)

    def poll(self, *args: object, **config: object) -> dict[TopicPartition, list[Readable]]:
        """As kafka-python's; partitions that were added are taken on first."""
        if self._topics:
            self._take_on()
        return super().poll(*args, **config)

    def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Kafka's ids of topics (KIP-516), as known for some seconds; a topic that is made anew has another one."""
        found = {topic: self._cluster.topic_id(topic) for topic in topics if self.partitions_for_topic(topic)}
        return {topic: str(id_) for topic, id_ in found.items() if id_ is not None}

    def _take_on(self) -> None:
        held, wanted = self.assignment(), all_partitions(self, self._topics)
        if added := [partition for partition in wanted if partition not in held]:
            super().assign([*held, *added])
            self.seek_to_beginning(*added)


def all_partitions(client: KafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """All partitions of the topics that the client knows of, in order."""
    return [
        TopicPartition(topic, number) for topic in topics for number in sorted(client.partitions_for_topic(topic) or ())
    ]


class _Fetcher(BoundedFetcher):
    """Takes damage for an answer like any other."""

    def __init__(self, *args: object, **config: object) -> None:
        super().__init__(*args, **config)
        self._looked_at = time.monotonic()
        self._positions: dict[TopicPartition, int] = {}
        self._stuck: set[tuple[TopicPartition, int]] = set()
        self.places = Places(self, self._manager, self._isolation_level)
        self.PartitionRecords = partial(_Records, self)

    def _parse_fetched_data(self, completed_fetch: fetcher.CompletedFetch) -> "_Records | None":
        place, offset, _, answer, _ = completed_fetch
        if not self._is_damaged(place, offset, answer):
            return super()._parse_fetched_data(completed_fetch)
        if not self._subscriptions.is_fetchable(place) or self._subscriptions.position(place).offset != offset:
            return None
        fetched = MemoryRecords(b"" if answer.records is None else answer.records)
        return self.PartitionRecords(
            offset, place, fetched, isolation_level=self._isolation_level, on_drain=self._on_partition_records_drain
        )

    def fetch_records(self, *args: object, **config: object) -> tuple[dict[TopicPartition, list], bool]:
        """As kafka-python's; now and then it looks after partitions of which nothing comes."""
        if time.monotonic() - self._looked_at > _STUCK_SECONDS:
            self._look_after_silent_places()
            self._looked_at = time.monotonic()
        return super().fetch_records(*args, **config)

    def highwater(self, place: TopicPartition) -> int | None:
        """Where the topic ended when the broker last answered."""
        return self._subscriptions.assignment[place].highwater

    def _look_after_silent_places(self) -> None:
        """A broker that cannot pass damage may send nothing at all, as if there were no more records."""
        states = {place: self._subscriptions.assignment[place] for place in self._fetchable_partitions()}
        positions = {place: state.position.offset for place, state in states.items()}
        for place, offset in positions.items():
            waits = self._positions.get(place) == offset < (states[place].highwater or 0)
            if waits and (answer := self.places.silent(place, offset)) is not None:
                self._stuck.add((place, offset))
                self._completed_fetches.append(fetcher.CompletedFetch(place, offset, 0, answer, None))
        self._positions = positions

    def _is_damaged(self, place: TopicPartition, offset: int, answer: object) -> bool:
        """Whether the broker refuses, sends no whole batch, or has sent nothing for long."""
        if answer.error_code != NoError.errno:
            return answer.error_code in REFUSALS
        if not answer.records:
            return (place, offset) in self._stuck
        return not MemoryRecords(answer.records).has_next()


class _Records(fetcher.Fetcher.PartitionRecords):
    """What was fetched of one partition, record by record."""

    def __init__(self, fetcher: _Fetcher, *args: object, **config: object) -> None:
        self._fetcher = fetcher
        super().__init__(*args, **config)

    def _unpack_records(self, tp: TopicPartition, fetched: MemoryRecords, *_: object) -> Iterator[Readable]:
        for piece in self._pieces(tp, bytes(fetched._buffer), self._fetcher.highwater(tp)):  # noqa: SLF001
            if isinstance(piece, Batch):
                if not self._is_hidden(piece):
                    yield from map(self._count, records(tp, piece))
                self.next_fetch_offset = max(self.next_fetch_offset, piece.last + 1)
                continue
            yield from self._lost(tp, piece)
            if piece.end is None or self.aborted_producer_ids or self.aborted_transactions:
                break  # what ends an aborted transaction may be lost: the broker, asked anew, says what stands
        self.drain()

    def _pieces(self, place: TopicPartition, fetched: bytes, end: int | None) -> Iterator[Batch | Damage]:
        """What was fetched, or more of it: the broker may pass over damage, or stop there."""
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
        if record.offset >= self.fetch_offset:
            self.next_fetch_offset = record.offset + 1
            self.records_read += 1
            self.bytes_read += len(record.value or b"")
        return record

    def _is_hidden(self, batch: Batch) -> bool:
        """Whether no reader is shown it: it belongs to an aborted transaction, or is a note of the broker."""
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
            yield from map(self._count, unreadable(place, first, following, bytes(damage.raw) or None, _LACKS))
