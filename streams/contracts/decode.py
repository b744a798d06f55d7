"""
From a Kafka record to an accepted event, or to a typed rejection.

A record that fails is a value, not an exception.
Only this module decides acceptance, the same for every consumer;
no rejection carries a value from the record, only where it was wrong and what was allowed.
"""

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Literal, NamedTuple, Protocol

import msgspec

from streams.contracts.checks import (
    UNPARSED,
    Reason,
    Refusal,
    dated_fields,
    parse,
    plausible,
    printable,
    readable,
    unparsed,
)
from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import Event, event_types
from streams.contracts.identity import content_id

__all__ = [
    "MAX_RECORD_BYTES",
    "REPLAY_HEADER",
    "Accepted",
    "Reason",
    "Record",
    "Rejected",
    "decode",
    "refused",
]

MAX_RECORD_BYTES = 262_144
"""Largest record that is read (bytes)."""

REPLAY_HEADER = "caf-replay-of"
"""Header of a record that is sent again: `topic/partition/offset` of the rejected one."""


class Record(Protocol):
    """What is read of a Kafka record (`kafka.consumer.fetcher.ConsumerRecord` has it)."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """
    An event as it arrived; copies of it have the same topic, key, `identity` and `content_id`.

    `fact` is the event in force: the data themselves, the replacement of a correction, or None for a withdrawal.
    """

    topic: str
    partition: int
    offset: int
    received_ms: int
    key: str
    envelope: Envelope
    change: Literal["recorded", "corrected", "withdrawn"]
    fact: Event | None
    amendment: Correction | Withdrawal | None
    value: bytes
    content_id: int
    replay_of: str | None
    headers: Sequence[tuple[str, bytes]] = ()

    @property
    def identity(self) -> tuple[str, str]:
        """`(source, id)`: what the source calls the event; a source may use one id for several."""
        return self.envelope.source, self.envelope.id

    @property
    def root(self) -> tuple[str, str]:
        """`(source, id)` of the event this one is about: itself, or the one it corrects or withdraws."""
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
    headers: tuple[tuple[str, bytes], ...]


class _Contract(NamedTuple):
    """One event type, as it is asked for each record."""

    decode: Callable[[msgspec.Raw], Event]
    struct: type[Event]
    key: Callable[[Event], str | None]
    dated: tuple[str, ...]


_ENVELOPE = msgspec.json.Decoder(Envelope)
_CORRECTION = msgspec.json.Decoder(Correction)
_WITHDRAWAL = msgspec.json.Decoder(Withdrawal)

_COORDINATES = re.compile(rb"[A-Za-z0-9._-]+/\d+/\d+")

_contracts: dict[str, dict[str, _Contract]] = {}
_amendments: dict[str, dict[str, Literal["corrected", "withdrawn"]]] = {}


def decode(record: Record, max_bytes: int = MAX_RECORD_BYTES) -> Accepted | Rejected:
    """Judge one record of an input topic by its contract."""
    try:
        return _accept(record, max_bytes)
    except Refusal as refusal:
        return refused(record, refusal)


def refused(record: Record, refusal: Refusal) -> Rejected:
    """The rejection of a record, with its original bytes."""
    return Rejected(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        refusal.reason,
        refusal.path,
        refusal.allowed,
        record.key,
        record.value,
        tuple(record.headers),
    )


def _accept(record: Record, max_bytes: int) -> Accepted:
    value = record.value
    if not value:
        raise Refusal(Reason.NOT_JSON, allowed="a CloudEvents 1.0 JSON object")
    if len(value) > max_bytes:
        raise Refusal(Reason.TOO_LARGE, allowed=f"at most {max_bytes} bytes")
    readable(value)
    # This runs for every record of every topic: what is called here for each of them shows in what `land` can take.
    try:
        envelope = _ENVELOPE.decode(value)
    except UNPARSED as error:
        raise unparsed(error, Reason.ENVELOPE, Envelope) from None
    printable(envelope.source, "$.source")
    printable(envelope.id, "$.id")
    plausible(envelope.time, "$.time")
    contracts = _contracts.get(record.topic) or _register(record.topic)
    change, amendment = "recorded", None
    if contract := contracts.get(envelope.type):
        fact = _fact(contract, envelope.data, "$.data")
        key = contract.key(fact)
    else:
        change, amendment, fact, key = _amended(record.topic, contracts, envelope)
    if key is None or record.key is None or key.encode() != record.key:
        raise Refusal(Reason.KEY_MISMATCH, allowed="the Kafka key equals the family_id (or person_id) of the data")
    return Accepted(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        key,
        envelope,
        change,
        fact,
        amendment,
        value,
        content_id(envelope, amendment, fact),
        _replay_of(record.headers) if record.headers else None,
        record.headers or (),
    )


def _amended(
    topic: str, contracts: dict[str, _Contract], envelope: Envelope
) -> tuple[Literal["corrected", "withdrawn"], Correction | Withdrawal, Event | None, str | None]:
    """Change, amendment, fact in force and key of an event that is not a fact itself."""
    change = _amendments[topic].get(envelope.type)
    if change is None:
        raise _unknown(contracts, "$.type")
    if change == "withdrawn":
        withdrawal = parse(_WITHDRAWAL, envelope.data, Reason.SCHEMA, Withdrawal, "$.data")
        _named(withdrawal)
        return change, withdrawal, None, withdrawal.key
    correction = parse(_CORRECTION, envelope.data, Reason.SCHEMA, Correction, "$.data")
    _named(correction)
    plausible(correction.replaced_time, "$.data.replaced_time")
    contract = contracts.get(correction.replaced_type)
    if contract is None:
        raise _unknown(contracts, "$.data.replaced_type")
    fact = _fact(contract, correction.replacement, "$.data.replacement")
    return change, correction, fact, contract.key(fact)


def _named(amendment: Correction | Withdrawal) -> None:
    printable(amendment.root_source, "$.data.root_source")
    printable(amendment.root_id, "$.data.root_id")


def _register(topic: str) -> dict[str, _Contract]:
    """Make the contracts of a topic once, on its first record."""
    prefix = f"uk.{topic.removesuffix('.v1')}"
    _amendments[topic] = {f"{prefix}.corrected.v1": "corrected", f"{prefix}.withdrawn.v1": "withdrawn"}
    _contracts[topic] = {
        name: _Contract(
            msgspec.json.Decoder(struct).decode,
            struct,
            attrgetter(*struct.key_fields) if len(struct.key_fields) == 1 else attrgetter("key"),
            dated_fields(struct),
        )
        for name, struct in event_types(topic).items()
    }
    return _contracts[topic]


def _fact(contract: _Contract, data: msgspec.Raw, path: str) -> Event:
    decode_data, struct, _, dated = contract
    try:
        fact = decode_data(data)
    except UNPARSED as error:
        raise unparsed(error, Reason.SCHEMA, struct, path) from None
    for name in dated:
        if (moment := getattr(fact, name)) is not None:
            plausible(moment, path, ".", name)
    return fact


def _unknown(contracts: dict[str, _Contract], path: str) -> Refusal:
    return Refusal(Reason.UNKNOWN_TYPE, path, ", ".join(sorted(contracts)))


def _replay_of(headers: Sequence[tuple[str, bytes]]) -> str | None:
    found = next((value for name, value in headers if name == REPLAY_HEADER and value), b"")
    return found.decode() if _COORDINATES.fullmatch(found) else None
