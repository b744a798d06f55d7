"""A topic's log on the broker's disk. Tests damage batches in this log while the broker runs."""

import struct
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecordsBuilder
from kafka.record.util import calc_crc32c, encode_varint

from streams.contracts.record import Unreadable
from streams.kafka.client import admin, consumer, partitions_of, producer
from streams.settings import Settings

HEADER = DefaultRecordBatch.HEADER_STRUCT
SECONDS = 60


def record(delta: int, value: bytes, headers: bytes = b"\0") -> bytes:
    """One record in the encoding of a batch. `headers` are the encoded headers, including their count."""
    body = bytearray(b"\0\0")
    encode_varint(delta, body.append)
    body.append(1)  # no key
    encode_varint(len(value), body.append)
    body += value + headers
    length = bytearray()
    encode_varint(len(body), length.append)
    return bytes(length + body)


class Log:
    """The log of one partition of a topic, in one segment."""

    def __init__(self, settings: Settings, topic: str | None = None, partition: int = 0, **configs: str) -> None:
        self.settings, self.partition = settings, partition
        self.topic = topic or f"log-{uuid4().hex[:8]}"
        if topic is None:
            # Records with their sender's time may be years old. Retention must not delete these records.
            configs = {"retention.ms": "-1"} | configs
            with closing(admin(settings)) as client:
                client.create_topics({self.topic: {"num_partitions": 1, "replication_factor": 1, "configs": configs}})
                client.wait_for_topics([self.topic])

    @property
    def file(self) -> Path:
        folder = self.settings.home / "kafka" / "data" / f"{self.topic}-{self.partition}"
        return folder / "00000000000000000000.log"

    def write(self, values: Sequence[bytes | None], **config: object) -> None:
        """Write values into one batch with kafka-python."""
        with closing(producer(self.settings, linger_ms=500, batch_size=900_000, **config)) as sender:
            for value in values:
                key = b"k" if value is None else None
                sender.send(self.topic, key=key, value=value, partition=self.partition, timestamp_ms=1_772_000_000_000)
            sender.flush()

    def write_batches(self, number: int, size: int = 3) -> None:
        """Append `number` batches of `size` records each to the log."""
        with closing(producer(self.settings, linger_ms=200)) as sender:
            for batch in range(number):
                for place in range(size):
                    sender.send(self.topic, value=b"%d" % (batch * size + place) * 400, partition=self.partition)
                sender.flush()

    def batches(self) -> list[tuple[int, int, int]]:
        """The place of each batch in the file, the length of the batch in bytes, and the offset of its first record."""
        data, at, found = self.file.read_bytes(), 0, []
        while at < len(data):
            base, length = struct.unpack_from(">qi", data, at)
            found.append((at, length + 12, base))
            at += length + 12
        return found

    def poke(self, at: int, data: bytes) -> None:
        """Overwrite bytes of the log file."""
        with self.file.open("r+b") as file:
            file.seek(at)
            file.write(data)

    def craft(self, body: bytes, *, count: int, codec: int = 0, claimed: int | None = None, time_ms: int = 0) -> None:
        """Append a batch that no producer would send: arbitrary bytes after the header, with a correct CRC."""
        self._make_room(len(body), count)
        at, length, base = self.batches()[-1]
        header = list(HEADER.unpack(self.file.read_bytes()[at : at + HEADER.size]))
        header[5:9] = [codec, count - 1, time_ms, time_ms]
        header[12] = count if claimed is None else claimed
        crafted = bytearray(HEADER.pack(*header) + body)
        struct.pack_into(">I", crafted, 17, calc_crc32c(memoryview(crafted)[21:]))
        assert (len(crafted), crafted[:8]) == (length, struct.pack(">q", base))
        self.poke(at, bytes(crafted))

    def _make_room(self, size: int, count: int) -> None:
        """Write a batch with the given number of records and the given size in bytes."""
        for padding in range(size + 1):
            values = [b""] * (count - 1) + [b"x" * padding]
            builder = MemoryRecordsBuilder(2, 0, 1 << 24)
            for value in values:
                builder.append(1_772_000_000_000, None, value)
            if builder.size_in_bytes() >= HEADER.size + size:
                break
        assert builder.size_in_bytes() == HEADER.size + size, "no batch has this size: make the body longer by a byte"
        self.write(values)

    def read(self, start: int = 0) -> list:
        """Read all records from an offset on, as every reader of the project does."""
        with closing(consumer(self.settings, fetch_max_wait_ms=50)) as reader:
            (place,) = [one for one in partitions_of(reader, [self.topic]) if one.partition == self.partition]
            reader.assign([place])
            reader.seek(place, start)
            end, found, until = reader.end_offsets([place])[place], [], time.monotonic() + SECONDS
            while reader.position(place) < end and time.monotonic() < until:
                found += reader.poll(timeout_ms=200).get(place, [])
        return found


def lost(found: list) -> list[int]:
    """The offsets whose records could not be read."""
    return [one.offset for one in found if isinstance(one, Unreadable)]
