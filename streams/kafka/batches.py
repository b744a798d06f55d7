"""
Split bytes that were fetched from a partition into valid batches and damaged bytes between them.

A batch is accepted if its CRC is right. The CRC does not cover the fields offset and length, so the batch's offset is
also compared with the offset of the next batch. After damage, `split` searches for the next bytes that are a batch with
a right CRC.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from kafka.record.util import calc_crc32c

__all__ = ["Batch", "Damage", "split"]

_HEADER = struct.Struct(">qiibIhiqqqhii")
_OVERHEAD = 12
"""The size in bytes of the fields offset and length. The value of the length field does not include these bytes."""
_MAGIC_AT = 16
_MAGIC = 2
"""The number of the present batch format, which came with Kafka 0.11. Batches of older formats hold single messages."""
_SMALLEST = {0: 14, 1: 22, _MAGIC: _HEADER.size - _OVERHEAD}
"""The smallest possible value of the length field, in bytes, for each batch format."""


class Batch(NamedTuple):
    """Records that were written together and are undamaged, from offset `base` to offset `last`."""

    base: int
    last: int
    magic: int
    attributes: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    count: int  # type: ignore[assignment]  # hides tuple.count(), which nobody needs
    raw: memoryview
    shift: int = 0
    """The number that was added to the batch's offsets."""

    def numbered(self, first: int) -> "Batch":
        """Renumber the batch so that Kafka's offset 0 gets the number `first`."""
        return self._replace(base=self.base + first, last=self.last + first, shift=first) if first else self

    @property
    def body(self) -> memoryview:
        """The bytes after the batch header."""
        return self.raw[_HEADER.size :]

    @property
    def codec(self) -> int:
        """The number of the compression codec; 0 means uncompressed."""
        return self.attributes & 0x07

    @property
    def is_stamped(self) -> bool:
        """Whether the broker, and not the sender, set the batch's timestamp (`LogAppendTime`)."""
        return bool(self.attributes & 0x08)

    @property
    def is_transactional(self) -> bool:
        """Whether the batch belongs to a transaction, which may have been aborted."""
        return bool(self.attributes & 0x10)

    @property
    def is_control(self) -> bool:
        """Whether the batch is a control batch, which the broker writes and no consumer receives."""
        return bool(self.attributes & 0x20)


class Damage(NamedTuple):
    """
    Bytes that are not a valid batch.

    `end` is the offset of the batch that follows the damage. `last` is the last offset according to the damaged header,
    and may be wrong. Each of the two is None if it is not known.
    """

    end: int | None
    last: int | None
    raw: memoryview


def split(fetched: bytes, offset: int, end: int | None = None, *, is_cut: bool = True) -> Iterator[Batch | Damage]:
    """
    Split the bytes fetched at `offset` into batches and damage.

    Args:
        end: the partition's end offset, which is one after its last record. A batch with offsets beyond it is not
            accepted.
        is_cut: whether the fetch may have cut off the last batch. If so, an incomplete batch at the end is left for the
            next fetch. If not, an incomplete batch must have a wrong length, and counts as damage.
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
        following = None if found is None else _batch(buffer, found)
        yield Damage(following and following.base, _claimed(buffer, at), buffer[at:found])
        if found is None or following is None:
            return
        at, reached = found, following.base - 1


def _batch(buffer: memoryview, at: int, reached: int | None = None) -> Batch | None:
    """Return the batch at byte `at`; None if it is not valid, or if its offset is not after `reached`."""
    if at + _OVERHEAD + min(_SMALLEST.values()) > len(buffer):
        return None
    magic, length = buffer[at + _MAGIC_AT], _length(buffer, at)
    end = at + _OVERHEAD + length
    if length < _SMALLEST.get(magic, 1 << 31) or end > len(buffer):
        return None
    found: int | None
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
    """
    Return whether the batch's offset can be right.

    If the offset is higher than expected, the batch must end before the partition's end and before the next batch
    begins.
    """
    if batch.base <= expected:
        return True
    following = _batch(buffer, behind)
    return (end is None or batch.last < end) and (following is None or following.base > batch.last)


def _next_batch(buffer: memoryview, at: int, behind: int, reached: int) -> int | None:
    """
    Return the byte at which the next batch begins. Look first at the place to which the length field points, then at
    all later bytes.
    """
    if at < behind and _batch(buffer, behind, reached) is not None:
        return behind
    raw = bytes(buffer)
    while (magic_at := raw.find(_MAGIC, at + 1 + _MAGIC_AT)) >= 0:
        at = magic_at - _MAGIC_AT
        if _batch(buffer, at, reached) is not None:
            return at
    return None


def _length(buffer: memoryview, at: int) -> int:
    length: int = struct.unpack_from(">i", buffer, at + 8)[0]
    return length


def _claimed(buffer: memoryview, at: int) -> int | None:
    """Return the last offset of a damaged batch according to its header."""
    if at + _HEADER.size > len(buffer):
        return None
    header = _HEADER.unpack_from(buffer, at)
    last: int = header[0] + header[6]
    return last
