"""
What was fetched of a partition as batches, and what lies between two of them that is none.

A batch is trusted when its CRC holds. Its offset and length lie outside of the CRC, so an offset is compared with the
next batch's; and after bytes that are no batch the next one is looked for, and known by its own CRC.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from kafka.record.util import calc_crc32c

__all__ = ["Batch", "Damage", "split"]

_HEADER = struct.Struct(">qiibIhiqqqhii")
_OVERHEAD = 12
"""Offset and length, which the length does not count."""
_MAGIC_AT = 16
_MAGIC = 2
"""The format of the batches that brokers have taken since Kafka 0.11; older ones are messages one by one."""
_SMALLEST = {0: 14, 1: 22, _MAGIC: _HEADER.size - _OVERHEAD}
"""Shortest length by format."""


class Batch(NamedTuple):
    """Records that were written at once, from offset `base` to `last`; whole, and as they were written."""

    base: int
    last: int
    magic: int
    attributes: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    count: int
    raw: memoryview
    shift: int = 0
    """What was added to its offsets."""

    def numbered(self, first: int) -> "Batch":
        """The same with numbers, of which that of offset 0 is `first`."""
        return self._replace(base=self.base + first, last=self.last + first, shift=first) if first else self

    @property
    def body(self) -> memoryview:
        """What follows the header."""
        return self.raw[_HEADER.size :]

    @property
    def codec(self) -> int:
        """The number of the codec; 0 for none."""
        return self.attributes & 0x07

    @property
    def is_stamped(self) -> bool:
        """Whether its time is that of the broker (`LogAppendTime`)."""
        return bool(self.attributes & 0x08)

    @property
    def is_transactional(self) -> bool:
        """Whether it belongs to a transaction, which may have been aborted."""
        return bool(self.attributes & 0x10)

    @property
    def is_control(self) -> bool:
        """Whether it is a note of the broker, which no reader is shown."""
        return bool(self.attributes & 0x20)


class Damage(NamedTuple):
    """
    Bytes that are no batch.

    `end` is the offset of the batch after them, and `last` the last offset that they claim, which may be wrong; None
    where nobody can tell.
    """

    end: int | None
    last: int | None
    raw: memoryview


def split(fetched: bytes, offset: int, end: int | None = None, *, is_cut: bool = True) -> Iterator[Batch | Damage]:
    """
    The batches of what was fetched at an offset.

    Args:
        end: the offset after the topic's last one; a batch that goes beyond is none.
        is_cut: what seems incomplete at the end is left for the next fetch; otherwise its length must be wrong.
    """
    buffer, at, reached = memoryview(fetched), 0, None
    while at + _OVERHEAD <= len(buffer):
        behind = at + _OVERHEAD + _length(buffer, at)
        batch = _batch(buffer, at, reached)
        if batch and _fits(buffer, batch, behind, offset if reached is None else reached + 1, end):
            yield batch
            at, reached = behind, batch.last
            continue
        if at and is_cut and behind > len(buffer):
            return
        found = _next_batch(buffer, at, behind, offset - 1 if reached is None else max(reached, offset - 1))
        following = None if found is None else _batch(buffer, found).base
        yield Damage(following, _claimed(buffer, at), buffer[at:found])
        if found is None:
            return
        at, reached = found, following - 1


def _batch(buffer: memoryview, at: int, reached: int | None = None) -> Batch | None:
    """The batch that begins here, if one does, and it lies after the offset that was reached."""
    if at + _OVERHEAD + min(_SMALLEST.values()) > len(buffer):
        return None
    magic, length = buffer[at + _MAGIC_AT], _length(buffer, at)
    end = at + _OVERHEAD + length
    if length < _SMALLEST.get(magic, 1 << 31) or end > len(buffer):
        return None
    if magic != _MAGIC:
        base, _, crc = struct.unpack_from(">qiI", buffer, at)
        batch, found = Batch(base, base, magic, 0, -1, -1, -1, 1, buffer[at:end]), zlib.crc32(buffer[at + 16 : end])
    else:
        base, _, _, _, crc, attributes, delta, first, latest, producer, _, _, count = _HEADER.unpack_from(buffer, at)
        batch = Batch(base, base + delta, magic, attributes, first, latest, producer, count, buffer[at:end])
        if delta < 0 or base < 0:
            return None
        found = None if _is_old(batch, reached) else calc_crc32c(buffer[at + 21 : end])
    return None if _is_old(batch, reached) or found != crc else batch


def _is_old(batch: Batch, reached: int | None) -> bool:
    return reached is not None and batch.base <= reached


def _fits(buffer: memoryview, batch: Batch, behind: int, expected: int, end: int | None) -> bool:
    """Whether the batch's offset is still what it was: where it leaves some out, the next batch must come after it."""
    if batch.base <= expected:
        return True
    following = _batch(buffer, behind)
    return (end is None or batch.last < end) and (following is None or following.base > batch.last)


def _next_batch(buffer: memoryview, at: int, behind: int, reached: int) -> int | None:
    """Where the next batch begins: where the length says or, if none does there, anywhere later."""
    if at < behind and _batch(buffer, behind, reached) is not None:
        return behind
    raw = bytes(buffer)
    while (magic_at := raw.find(_MAGIC, at + 1 + _MAGIC_AT)) >= 0:
        at = magic_at - _MAGIC_AT
        if _batch(buffer, at, reached) is not None:
            return at
    return None


def _length(buffer: memoryview, at: int) -> int:
    return struct.unpack_from(">i", buffer, at + 8)[0]


def _claimed(buffer: memoryview, at: int) -> int | None:
    """The last offset that the header of a damaged batch claims."""
    if at + _HEADER.size > len(buffer):
        return None
    header = _HEADER.unpack_from(buffer, at)
    return header[0] + header[6]
