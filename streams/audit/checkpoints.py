"""
Checkpoints: signs of what the audit contained at a time. No later change of these entries fits them.

Each checkpoint is written to a file of the home and to a topic of its own. Only `land` writes them, because it knows
which entries have landed. A council can keep copies elsewhere, for example in print.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from streams import names
from streams.audit.leaves import landed_leaves
from streams.audit.merkle import Tree
from streams.errors import SettingInvalid
from streams.kafka.client import consumer
from streams.kafka.drain import to_end, until
from streams.kafka.sending import send_one
from streams.private import locked, write_privately
from streams.settings import Settings

__all__ = ["Checkpoint", "Checkpoints", "kept_checkpoints", "read_checkpoints", "sent_checkpoints"]


class Checkpoint(msgspec.Struct, frozen=True):
    """
    What the audit contained at a time.

    Attributes:
        size: the number of entries.
        next_offset: the offset after the last of them.
        root: the root of the Merkle tree over them, in hexadecimal digits.
        peaks: the roots of its perfect subtrees, in hexadecimal digits. The next checkpoint is made from them.
        made_at: when the checkpoint was made.
    """

    size: int
    next_offset: int
    root: str
    peaks: list[str]
    made_at: datetime


_DECODER = msgspec.json.Decoder(Checkpoint)


class Checkpoints:
    """
    Makes the checkpoints of one lake. It continues from the last checkpoint, and reads only what has landed since then.

    So if an earlier row is changed, later checkpoints still rest on what it was before.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last: Checkpoint | None = None

    def make(self, lake: duckdb.DuckDBPyConnection) -> Checkpoint | None:
        """
        Write a checkpoint of all entries that have landed. Return None if there are no new ones.

        Raises:
            BrokerUnavailable: no broker answers. The next checkpoint covers these entries.
            KafkaError: the broker did not accept the checkpoint.
        """
        last = self._last or _newest(self._settings)
        tree = Tree(last.size, map(bytes.fromhex, last.peaks)) if last else Tree()
        following = last.next_offset if last else 0
        for leaf in landed_leaves(lake, following):
            tree.add(leaf.hash)
            following = leaf.offset + 1
        if tree.size == (last.size if last else 0):
            return None
        peaks = [peak.hex() for peak in tree.peaks]
        made = Checkpoint(tree.size, following, tree.root.hex(), peaks, datetime.now(UTC))
        line = msgspec.json.encode(made)
        send_one(self._settings, names.AUDIT_CHECKPOINTS, "audit", line)
        _append(_file(self._settings), line)
        self._last = made
        return made


def kept_checkpoints(settings: Settings) -> list[Checkpoint]:
    """
    Return the checkpoints in the home's file.

    Raises:
        SettingInvalid: the file contains something else.
    """
    file = _file(settings)
    return read_checkpoints(file) if file.exists() else []


def sent_checkpoints(settings: Settings) -> list[Checkpoint]:
    """
    Return the checkpoints on the topic.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(consumer(settings, [names.AUDIT_CHECKPOINTS])) as reader:
        return list(_valid(to_end(reader)))


def read_checkpoints(file: Path) -> list[Checkpoint]:
    """
    Read checkpoints from a file with one on each line, as `./caf audit checkpoint` prints them.

    Raises:
        SettingInvalid: the file cannot be read, or a line is no checkpoint.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise SettingInvalid(f"{file} cannot be read: {error.strerror}") from None
    return list(_decoded(file, lines))


def _decoded(file: Path, lines: Iterable[bytes]) -> Iterator[Checkpoint]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _DECODER.decode(line)
            except msgspec.MsgspecError:
                raise SettingInvalid(
                    f"{file}, line {number} is no checkpoint; allowed: lines of './caf audit checkpoint'"
                ) from None


def _valid(records: Iterable[Any]) -> Iterator[Checkpoint]:
    for record in records:
        with suppress(msgspec.MsgspecError, TypeError):
            yield _DECODER.decode(record.value)


def _newest(settings: Settings) -> Checkpoint | None:
    """Return the last checkpoint on the topic. If the topic has none, return the last one in the file."""
    with closing(consumer(settings, [names.AUDIT_CHECKPOINTS])) as reader:
        ends = reader.end_offsets(reader.assignment())
        for partition, end in ends.items():
            reader.seek(partition, max(0, end - 1))
        found = list(_valid(until(reader, ends)))
    known = found or kept_checkpoints(settings)
    return known[-1] if known else None


def _file(settings: Settings) -> Path:
    return settings.home / "audit" / "checkpoints.jsonl"


def _append(file: Path, line: bytes) -> None:
    with locked(file.parent):
        if not file.exists():
            write_privately(file, b"")  # so that its name also survives a crash
        with file.open("ab") as opened:
            opened.write(line + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
