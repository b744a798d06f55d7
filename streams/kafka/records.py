"""Read the records of one batch. In place of an unreadable record, return a value that stands for it."""

from collections.abc import Iterator, Sequence

import msgspec
from kafka import TopicPartition
from kafka.record.legacy_records import LegacyRecordBatch
from kafka.record.util import decode_varint

from streams.contracts.checks import Reason
from streams.contracts.record import Unreadable
from streams.kafka.batches import Batch
from streams.kafka.codecs import decompress
from streams.kafka.header_name import HeaderName

__all__ = [
    "BY_RETENTION",
    "NO_TIME",
    "WITH_ITS_TOPIC",
    "ReadRecord",
    "Readable",
    "arrival",
    "deleted",
    "records",
    "unreadable",
]


class ReadRecord(msgspec.Struct, frozen=True, gc=False):
    """
    A record as Kafka stores it, except for its timestamp (see `arrival`).

    Creating it takes a quarter of the time that kafka-python needs for its own kind of record.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


Readable = ReadRecord | Unreadable

NO_TIME = 0
"""The value for a record without a timestamp. Other timestamps are in ms since 1970."""

_FROM_MS, _TO_MS = 946_684_800_000, 7_258_118_400_000
"""The first moments of the years 2000 and 2200, in ms since 1970."""
_MAX_HEADERS = 10_001
"""A sender may add 10,000 headers. `intake`, or a replay, adds one."""
_MAX_UNREADABLE = 100_000
"""
The largest number of values that are returned for consecutive unreadable offsets.

Without this limit, a batch header of 61 bytes that claims two billion records would lead to two billion values.
"""
_MAX_DELETED = 100
"""
The largest number of values that are returned for consecutive deleted offsets. More values would add no information,
because the records are gone.
"""
BY_RETENTION = "Kafka's retention or a person deletes it"
WITH_ITS_TOPIC = "its topic is deleted and recreated"
_DAMAGED = (ArithmeticError, AssertionError, LookupError, RuntimeError, ValueError)
_LIKE_ONE = "a record as Kafka writes it"


class _TooMany(ValueError):
    """A record has so many headers that reading them would delay every consumer of the topic."""


def arrival(timestamp: int) -> int:
    """
    Turn a record's timestamp into milliseconds since 1970, or `NO_TIME`.

    The broker's timestamp is always right. A sender's timestamp (`CreateTime`) may be in seconds, microseconds or
    nanoseconds; the size of the number shows the unit. If the result is not in the years 2000 to 2199, the timestamp
    counts as missing.
    """
    for milliseconds in (timestamp, timestamp * 1_000, timestamp // 1_000, timestamp // 1_000_000):
        if _FROM_MS <= milliseconds < _TO_MS:
            return milliseconds
    return NO_TIME


def unreadable(
    place: TopicPartition, first: int, end: int, raw: bytes | None, why: str, *, most: int | None = None
) -> Iterator[Unreadable]:
    """
    Yield one value for each offset from `first` up to, but not including, `end`. The first value holds the bytes.

    If there are more than `most` offsets, only the first `most` have a value of their own. One last value stands for
    all others, and its text ends with their offsets.
    """
    (topic, partition), most, kept = place, most or _MAX_UNREADABLE, ""
    for offset in range(first, min(end, first + most)):
        yield Unreadable(topic, partition, offset, NO_TIME, raw, why + kept)
        if raw is not None:
            raw, kept = None, f"; the bytes are kept with offset {first}"
    if end - first > most:
        others = f"offsets {first + most} to {end - 1}"
        yield Unreadable(topic, partition, end - 1, NO_TIME, None, f"{why}{kept}; {others}")


def deleted(place: TopicPartition, first: int, end: int, how: str) -> Iterator[Unreadable]:
    """
    Yield a value for each offset from `first` up to, but not including, `end`. Kafka deleted the records at these
    offsets before they were read.

    If there are more than 100 offsets, only the first 100 have a value of their own. One last value stands for all
    others.
    """
    for lost in unreadable(place, first, end, None, f"a record that is read before {how}", most=_MAX_DELETED):
        yield lost._replace(reason=Reason.DELETED_UNREAD)


def records(place: TopicPartition, batch: Batch) -> Iterator[Readable]:
    """Read the records of a batch in order. Compaction may have removed records, so offsets may be missing."""
    if batch.magic < 2:
        yield from _legacy(place, batch)
        return
    data, why = decompress(batch.codec, bytes(batch.body))
    (topic, partition), at, delta, found = place, 0, -1, 0
    record: Readable
    while at < len(data) and batch.base + delta < batch.last:
        try:
            record, following = _record(place, batch, data, at, delta)
        except _DAMAGED as error:
            if (behind := _behind(data, at)) is None:
                break
            following, number = behind, batch.base + delta + 1
            wanted = f"at most {_MAX_HEADERS - 1} headers" if isinstance(error, _TooMany) else _LIKE_ONE
            record = Unreadable(topic, partition, number, _time(batch, 0), data[at:following], wanted)
        yield record
        at, delta, found = following, record.offset - batch.base, found + 1
    if found < batch.count:
        raw = bytes(batch.raw) if why else data[at:]
        for lost in unreadable(place, batch.base + delta + 1, batch.last + 1, raw, why or _LIKE_ONE):
            yield lost._replace(timestamp=_time(batch, 0))


def _record(place: TopicPartition, batch: Batch, data: bytes, at: int, before: int) -> tuple[ReadRecord, int]:
    """Read the record that begins at byte `at`. Also return the byte at which the next record begins."""
    # This function runs for every record of every topic, so each call in it lowers the throughput of every consumer.
    length, start = decode_varint(data, at)
    time_delta, at = decode_varint(data, start + 1)
    delta, at = decode_varint(data, at)
    key, at = _bytes(data, at)
    value, at = _bytes(data, at)
    headers: Sequence[tuple[str, bytes | None]]
    if data[at]:
        headers, at = _headers(data, at)
    else:
        headers, at = (), at + 1
    if at != start + length or not before < delta <= batch.last - batch.base:
        raise ValueError
    topic, partition = place
    return ReadRecord(topic, partition, batch.base + delta, _time(batch, time_delta), key, value, headers), at


def _bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(data, at)
    if length < 0:
        return None, at
    if at + length > len(data):
        raise IndexError
    return data[at : at + length], at + length


def _headers(data: bytes, at: int) -> tuple[list[tuple[str, bytes | None]], int]:
    """Read the headers. Bytes of a header name that are not UTF-8 become lone surrogates."""
    count, at = decode_varint(data, at)
    if count > _MAX_HEADERS:
        raise _TooMany
    headers = []
    for _ in range(count):
        name, at = _bytes(data, at)
        value, at = _bytes(data, at)
        headers.append((_name(name or b""), value))
    return headers, at


def _name(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return HeaderName(name.decode("utf-8", "surrogateescape"))


def _behind(data: bytes, at: int) -> int | None:
    """Return where a record ends according to its own length field; None if the length is impossible."""
    try:
        length, start = decode_varint(data, at)
    except _DAMAGED:
        return None
    return start + length if 0 < length <= len(data) - start else None


def _time(batch: Batch, delta: int) -> int:
    return arrival(batch.max_timestamp if batch.is_stamped else batch.first_timestamp + delta)


def _legacy(place: TopicPartition, batch: Batch) -> Iterator[Readable]:
    """
    Read messages of an old format. Brokers since Kafka 4.0 refuse new messages of this format, but may still store old
    ones.
    """
    topic, partition = place
    try:
        found = [
            ReadRecord(topic, partition, one.offset + batch.shift, arrival(one.timestamp or 0), one.key, one.value, ())
            for one in LegacyRecordBatch(batch.raw, batch.magic)
        ]
    except Exception:  # noqa: BLE001  (the codecs of this format raise errors of any kind)
        yield from unreadable(place, batch.base, batch.last + 1, bytes(batch.raw), _LIKE_ONE)
    else:
        yield from found
