"""
A Kafka record as it is read, and what the contract makes of it: an accepted event, or a typed rejection.

A rejection says where the error is (`path`) and what is allowed there (`allowed`), but never quotes the wrong value.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from streams.contracts.checks import Reason
from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import Event
from streams.contracts.mend import Dropped

__all__ = [
    "COORDINATES",
    "REPLAY_HEADER",
    "Accepted",
    "Change",
    "Record",
    "Rejected",
    "Unreadable",
    "record_bytes",
    "replay_of",
]

COORDINATES = r"[A-Za-z0-9._-]{1,249}/[0-9]{1,9}/[0-9]{1,18}"
"""The form of `topic/partition/offset`, as a regular expression. The numbers fit every column that stores them."""
REPLAY_HEADER = "caf-replay-of"
"""Header of a record that is sent again. Its value is the `topic/partition/offset` of the rejected record."""

_COORDINATES = re.compile(COORDINATES.encode())


class _Content(Protocol):
    """What a sender puts into a record."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Record(_Content, Protocol):
    """The parts of a Kafka record that are read (`streams.kafka.records.ReadRecord` has them)."""

    @property
    def topic(self) -> str:
        """Name of the record's topic."""

    @property
    def partition(self) -> int:
        """Number of the record's partition."""

    @property
    def offset(self) -> int:
        """Number of the record within its partition."""

    @property
    def timestamp(self) -> int:
        """Kafka's timestamp of the record, in ms since 1970."""


def record_bytes(record: _Content) -> int:
    """Return the size of key, value and headers together, in bytes."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, content in record.headers:
        size += len(str.encode(name, errors="surrogateescape")) + len(content or b"")
    return size


class Unreadable(NamedTuple):
    """
    Stands for an offset whose record is unreadable or deleted.

    `lacks` says what is missing. The other fields are as in `Record`.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    lacks: str
    reason: Reason = Reason.UNREADABLE_BATCH
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


Change = Literal["recorded", "corrected", "withdrawn"]


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """
    An accepted event as it arrived. Copies of an event have the same topic, key, `identity` and `content_id`.

    `fact` has the data that are now in force: the event's own data, or the new data in a correction. It is None for a
    withdrawal.
    """

    topic: str
    partition: int
    offset: int
    received_ms: int
    key: str
    envelope: Envelope
    change: Change
    fact: Event | None
    amendment: Correction | Withdrawal | None
    value: bytes
    content_id: int
    replay_of: str | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    dropped: Sequence[Dropped] = ()
    """Values that were left out of the envelope or the data, because they were wrong and no rule needs them."""
    inbound_record: str | None = None
    """The partner's record from which `intake` made this one (see `Mark`)."""

    @property
    def identity(self) -> tuple[str, str]:
        """`(source, id)`: the name that the source gave the event. A source may use one id for several events."""
        return self.envelope.source, self.envelope.id

    @property
    def root(self) -> tuple[str, str]:
        """`(source, id)` of the original event: this event, or the event that it corrects or withdraws."""
        return self.identity if self.amendment is None else (self.amendment.root_source, self.amendment.root_id)


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A record that no contract accepts, with its original bytes."""

    topic: str
    partition: int
    offset: int
    received_ms: int
    reason: Reason
    path: str | None
    allowed: str | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    def without_content(self) -> "Rejected":
        """Copy the rejection without key, value and headers. The content may be large, and no rule reads it."""
        return msgspec.structs.replace(self, key=None, value=None, headers=())

    @property
    def size(self) -> int:
        """The size of the record's key, value and headers together, in bytes."""
        return record_bytes(self)


def replay_of(headers: Sequence[tuple[str, bytes | None]]) -> str | None:
    """
    Return which rejected record this record repeats, as `topic/partition/offset`.

    Return None if no header names one.
    """
    for name, value in headers:
        if name == REPLAY_HEADER and value and _COORDINATES.fullmatch(value):
            return value.decode()
    return None
