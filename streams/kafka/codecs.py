"""
Decompress batches of every codec that Kafka knows, up to a size limit. If a batch is damaged, keep what can be read.

Kafka's CRC covers every byte of a batch, so the codecs' own checksums are not needed. Java's consumers ignore them.
This module must ignore them as well, because a broker accepts a batch whose LZ4 checksum is wrong, or whose gzip stream
is followed by other bytes.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import cramjam
import lz4.block
import zstandard

__all__ = ["LIMIT", "decompress"]

LIMIT = 128 * 1024 * 1024
"""The largest number of bytes to which one batch is decompressed. A few kilobytes can expand to terabytes."""

_CHUNK = 1024 * 1024
_XERIAL = b"\x82SNAPPY\x00"
"""
The first bytes of block-wise snappy data. They are the beginning of a header with 16 bytes.

The version numbers in this header are ignored, because Redpanda swaps their bytes.
"""
_LZ4 = b"\x04\x22\x4d\x18"
_WINDOW_BYTES = 2**27
"""The largest amount of memory, in bytes, that a zstd frame may ask for. Java's consumer has the same limit."""


def decompress(codec: int, packed: bytes) -> tuple[bytes, str | None]:
    """
    Decompress as much of a batch as possible. The second value says why the rest is missing; it is None if nothing is
    missing.

    Args:
        codec: the codec number in the batch's attributes; 0 means uncompressed.
        packed: everything after the batch's header.
    """
    if codec == 0:
        return packed, None
    if codec not in _CODECS:
        return b"", f"its codec has the number {codec}, which Kafka does not know"
    name, unpack = _CODECS[codec]
    found, size = [], 0
    try:
        for chunk in unpack(packed):
            found.append(chunk[: LIMIT - size])
            size += len(chunk)
            if size > LIMIT:
                return b"".join(found), f"unpacked, it is longer than {LIMIT} bytes"
    except _DAMAGED:
        return b"".join(found), f"its {name} stream is damaged"
    return b"".join(found), None


def _gzip(packed: bytes) -> Iterator[bytes]:
    """Decompress gzip members one after the other. Like Java's consumer, ignore other bytes that follow them."""
    first = True
    while packed and (first or packed.startswith(b"\x1f\x8b")):
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof and packed:
            yield stream.decompress(packed, _CHUNK)
            packed = stream.unconsumed_tail
        if not stream.eof:
            raise EOFError
        packed, first = stream.unused_data, False


def _snappy(packed: bytes) -> Iterator[bytes]:
    """
    Decompress snappy data. Java and kafka-python write several blocks with their lengths, and librdkafka writes one
    block.
    """
    if not packed.startswith(_XERIAL):
        yield _snappy_block(packed)
        return
    at = 16
    while at < len(packed):
        if packed.startswith(_XERIAL, at):  # several streams one after the other
            at += 16
            continue
        (size,) = struct.unpack_from(">i", packed, at)
        if size <= 0 or at + 4 + size > len(packed):
            raise EOFError
        yield _snappy_block(packed[at + 4 : at + 4 + size])
        at += 4 + size


def _snappy_block(block: bytes) -> bytes:
    if cramjam.snappy.decompress_raw_len(block) > LIMIT:
        raise MemoryError
    return bytes(cramjam.snappy.decompress_raw(block))


def _lz4(packed: bytes) -> Iterator[bytes]:
    """Decompress LZ4 blocks. Kafka requires each block to be readable without the others. All checksums are skipped."""
    magic, flags, descriptor = struct.unpack_from("<4sBB", packed)
    if magic != _LZ4 or not flags & 0x20:
        raise ValueError
    largest = 1 << 8 + 2 * (descriptor >> 4 & 7)
    at = 7 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)
    while size := struct.unpack_from("<I", packed, at)[0]:
        block = packed[at + 4 : at + 4 + (size & 0x7FFFFFFF)]
        if len(block) < size & 0x7FFFFFFF:
            raise EOFError
        yield block if size & 0x80000000 else lz4.block.decompress(block, uncompressed_size=largest)
        at += 4 + len(block) + (4 if flags & 0x10 else 0)


def _zstd(packed: bytes) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).stream_reader(
        io.BytesIO(packed), read_across_frames=True
    )
    while chunk := reader.read(_CHUNK):
        yield chunk


_CODECS: dict[int, tuple[str, Callable[[bytes], Iterator[bytes]]]] = {
    1: ("gzip", _gzip),
    2: ("snappy", _snappy),
    3: ("lz4", _lz4),
    4: ("zstd", _zstd),
}
_DAMAGED = (
    EOFError,
    MemoryError,
    ValueError,
    struct.error,
    zlib.error,
    cramjam.DecompressionError,
    lz4.block.LZ4BlockError,
    zstandard.ZstdError,
)
