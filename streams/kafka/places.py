"""
Ask a broker for the records around damage. In an ordinary fetch, the broker may skip them or refuse to send them.

To find an offset, a broker begins at a position from its index that lies before the offset. From there, the broker
reads one batch after another. So a fetch at an offset before the damage returns everything from there on, including the
damage. A fetch at an offset after the damage may be refused, unless the index has a position between the damage and
this offset.
"""

from collections.abc import Iterator
from typing import Any

from kafka import TopicPartition
from kafka.consumer import fetcher
from kafka.errors import CorruptRecordError, InvalidRecordError, NoError, UnknownError, for_code
from kafka.protocol.consumer import FetchRequest

from streams.kafka.batches import Batch, split

__all__ = ["REFUSALS", "Places"]

_BYTES = 16 * 1024 * 1024
"""How many bytes one fetch asks for. A damaged batch and the next batch together are smaller than this."""
_OLDEST, _NEWEST = 4, 12
"""The oldest and the newest version of Kafka's fetch request whose answers this module can read."""
_BACK_IF_SERVED = 64
"""
How many offsets to look back if the broker skips offsets. A skip need not mean damage: in a compacted topic, offsets
are missing.
"""
REFUSALS = frozenset({CorruptRecordError.errno, InvalidRecordError.errno, UnknownError.errno})
"""Errors that a broker returns if it finds damage while it looks for an offset."""
_ONE_BY_ONE = 10_000
"""How many offsets are asked for one by one. After these, each step is twice as long as the step before."""

Found = tuple[bytes, list[Any]]
"""The fetched bytes, and the list of the aborted transactions in them."""


class Places:
    """Sends fetch requests for single offsets, in addition to the fetches of the consumer."""

    def __init__(self, client: fetcher.Fetcher, manager: Any, isolation_level: int) -> None:
        self._client, self._manager, self._isolation_level = client, manager, isolation_level

    def beginning(self, place: TopicPartition) -> int:
        """Return the first offset that the partition still has."""
        offset: int = self._client.beginning_offsets([place])[place]
        return offset

    def end(self, place: TopicPartition) -> int:
        """Return the offset up to which records may be read now."""
        offset: int = self._client.end_offsets([place])[place]
        return offset

    def silent(self, place: TopicPartition, offset: int) -> object | None:
        """Return the broker's answer if it is empty although the partition has records; otherwise None."""
        answer = self._answer(place, offset, 1)
        return None if answer.error_code or answer.records or offset >= self.end(place) else answer

    def around(self, place: TopicPartition, offset: int, *, is_served: bool) -> Found | None:
        """
        Fetch bytes that begin at or before the offset, and that include the offset. If the broker sends no such bytes,
        return None.

        Args:
            is_served: whether the broker answers with later offsets instead. Then the search goes back at most 64
                offsets.
        """
        steps = [0, *_doubling(1, _BACK_IF_SERVED if is_served else offset)]
        for step in (step for step in steps if step <= offset):
            first = next(split(self._ask(place, offset - step, 1)[0], offset - step), None)
            if isinstance(first, Batch) and first.base <= offset - step:
                found = self._ask(place, first.base, _BYTES)
                return found if _goes_beyond(found[0], offset) else None
        for later in () if is_served else self._later(place, offset):
            found = self._ask(place, later, _BYTES)
            first = next(split(found[0], later), None)
            if isinstance(first, Batch) and first.last >= offset:
                return found if first.base <= offset else None
        return None

    def readable_after(self, place: TopicPartition, first: int, claimed_last: int | None) -> int:
        """
        Return the first readable offset at or after `first`. If there is none, return the partition's end.

        Raises:
            KafkaError: the broker cannot answer now. This does not show that the topic is damaged.
        """
        end = self.end(place)
        if claimed_last is not None and claimed_last + 1 == end:
            return end
        error = NoError.errno
        for offset in self._later(place, first):
            answer = self._answer(place, offset, _BYTES)
            error = answer.error_code
            if error and error not in REFUSALS:
                raise for_code(error)(f"{place.topic}/{place.partition} gets no answer from the broker")
            for piece in split(bytes(answer.records or b""), offset, end):
                if isinstance(piece, Batch) and piece.last >= first:
                    return max(first, piece.base)
        if error == UnknownError.errno:
            raise UnknownError(f"{place.topic}/{place.partition} cannot be read from offset {first} on")
        return end

    def _later(self, place: TopicPartition, first: int) -> Iterator[int]:
        """Yield offsets from `first` to the end: 10,000 offsets one by one, and then offsets in steps that double."""
        end, near = self.end(place), first + _ONE_BY_ONE
        yield from range(first, min(end, near))
        yield from (near + step for step in _doubling(1, end - near - 1))

    def _ask(self, place: TopicPartition, offset: int, size: int) -> Found:
        answer = self._answer(place, offset, size)
        return bytes(answer.records or b""), answer.aborted_transactions or []

    def _answer(self, place: TopicPartition, offset: int, size: int) -> Any:
        request = FetchRequest(
            max_wait_ms=0,
            min_bytes=0,
            max_bytes=_BYTES,
            isolation_level=self._isolation_level,
            session_id=0,
            session_epoch=-1,
            topics=[_topic(place, offset, size)],
            forgotten_topics_data=[],
            rack_id="",
            min_version=_OLDEST,
            max_version=_NEWEST,
        )
        answer = self._manager.run(self._sent, request, self._manager.cluster.leader_for_partition(place))
        return answer.responses[0].partitions[0]

    async def _sent(self, request: FetchRequest, node: int) -> Any:
        return await self._manager.send(request, node_id=node)


def _goes_beyond(fetched: bytes, offset: int) -> bool:
    """Return whether the fetched bytes contain a batch or damage at the offset or after it."""
    return any(not isinstance(piece, Batch) or piece.last >= offset for piece in split(fetched, offset, is_cut=False))


def _topic(place: TopicPartition, offset: int, size: int) -> object:
    partition = FetchRequest.FetchTopic.FetchPartition(
        partition=place.partition,
        current_leader_epoch=-1,
        fetch_offset=offset,
        last_fetched_epoch=-1,
        partition_max_bytes=size,
    )
    return FetchRequest.FetchTopic(topic=place.topic, partitions=[partition])


def _doubling(step: int, limit: int) -> Iterator[int]:
    while step <= limit:
        yield step
        step *= 2
