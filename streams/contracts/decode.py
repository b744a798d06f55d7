"""
Turn a Kafka record into an accepted event or a typed rejection.

A rejection is returned as a value, and not raised as an exception. Only this module decides which records are accepted,
so the decision is the same for every consumer. A rejection says where the error is (`path`) and what is allowed there
(`allowed`), but never quotes the wrong value.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Literal, NamedTuple

import msgspec

from streams.contracts.batches import recognised
from streams.contracts.checks import (
    UNPARSED,
    Reason,
    Refusal,
    arrival_ms,
    dated_fields,
    implausible,
    plausible,
    printable,
    readable,
)
from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import Event, event_types
from streams.contracts.forms import with_whole_characters
from streams.contracts.identity import content_id
from streams.contracts.mark import mark_of
from streams.contracts.mend import Dropped, Struct, members_of, mend
from streams.contracts.modes import structured, with_data
from streams.contracts.record import Accepted, Change, Record, Rejected, Unreadable, replay_of

__all__ = ["admit", "decode", "key_of", "refused"]


class _Contract(NamedTuple):
    """The contract of one event type, prepared for validating records quickly."""

    decode: Callable[[msgspec.Raw], Event]
    struct: type[Event]
    key: Callable[[Event], str | None]
    dated: tuple[str, ...]


_ENVELOPE = msgspec.json.Decoder(Envelope)
_CORRECTION = msgspec.json.Decoder(Correction)
_WITHDRAWAL = msgspec.json.Decoder(Withdrawal)

_contracts: dict[str, dict[str, _Contract]] = {}
_amendments: dict[str, dict[str, Literal["corrected", "withdrawn"]]] = {}


def admit(record: Record, max_bytes: int) -> Accepted | Rejected:
    """
    Validate one record as it arrives: first its length, then its contract.

    `max_bytes` is the setting `max_record_bytes`. A record's length is checked only when the record is read for the
    first time. If `intake` has refused the record, the reason that it gave counts.
    """
    if record.value and len(record.value) > max_bytes and type(record) is not Unreadable:
        mark = mark_of(record.headers)
        too_large = Refusal(Reason.TOO_LARGE, allowed=f"at most {max_bytes} bytes")
        return refused(record, (mark and mark.refusal) or too_large)
    return decode(record)


def decode(record: Record) -> Accepted | Rejected:
    """
    Validate one record of an input topic by its contract, whatever its length.

    Use this function for records that were admitted before, perhaps under another length limit.
    """
    try:
        return _accept(record)
    except Refusal as refusal:
        return refused(record, refusal)


def refused(record: Record, refusal: Refusal) -> Rejected:
    """Make the rejection of a record, with its original bytes."""
    return Rejected(
        record.topic,
        record.partition,
        record.offset,
        arrival_ms(record.timestamp),
        refusal.reason,
        refusal.path,
        refusal.allowed,
        record.key,
        record.value,
        tuple(record.headers),
    )


def key_of(topic: str, value: bytes) -> str | None:
    """Return the Kafka key that the contract demands for an event, or None if the event is unreadable."""
    try:
        return _accept(_Unsent(topic, value), has_key=False).key or None
    except Refusal:
        return None


class _Unsent(NamedTuple):
    """An event that has not been sent as a record yet."""

    topic: str
    value: bytes
    partition: int = -1
    offset: int = -1
    timestamp: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def _accept(record: Record, *, has_key: bool = True) -> Accepted:
    if type(record) is Unreadable:
        raise Refusal(record.reason, allowed=record.lacks)
    # This function runs for every record of every topic, so each call in it makes `land` slower.
    mark = mark_of(record.headers) if record.headers else None
    if mark is not None and mark.refusal is not None:
        raise mark.refusal
    value = record.value or b""
    if record.headers or value[:1] != b"{" or value[-1:] != b"}":
        value = structured(value, record.headers)
    readable(value)
    if value[:1] == b"[":
        raise recognised(value, record.headers)
    dropped: list[Dropped] = []
    try:
        envelope = _ENVELOPE.decode(value)
    except UNPARSED:
        envelope = _mended_envelope(value, dropped)
    printable(envelope.source, "$.source")
    printable(envelope.id, "$.id")
    plausible(envelope.time, "$.time")
    contracts = _contracts.get(record.topic) or _register(record.topic)
    change: Change = "recorded"
    amendment: Correction | Withdrawal | None = None
    fact: Event | None
    if contract := contracts.get(envelope.type):
        fact = _fact(contract, envelope.data, "$.data", dropped)
        key = contract.key(fact)
    else:
        change, amendment, fact, key = _amended(record.topic, contracts, envelope, dropped)
    if key is None or record.key is None or key.encode() != record.key:
        if has_key:
            raise Refusal(Reason.KEY_MISMATCH, allowed=_allowed_key(record.key))
        key = key or ""
    return Accepted(
        record.topic,
        record.partition,
        record.offset,
        # If the sender's clock gave no usable time, the event's own time counts as the arrival time.
        arrival_ms(record.timestamp) or round(envelope.time.timestamp() * 1000),
        key,
        envelope,
        change,
        fact,
        amendment,
        value,
        content_id(envelope, amendment, fact),
        replay_of(record.headers) if record.headers else None,
        record.headers or (),
        tuple(dropped) if dropped else (),
        mark.record if mark is not None else None,
    )


def _allowed_key(key: bytes | None) -> str:
    """Say which key is allowed. A JSON serializer for keys is a common mistake, so quotation marks are mentioned."""
    allowed = "the Kafka key equals the family_id (or person_id) of the data"
    is_quoted = key is not None and len(key) > 1 and key[:1] == key[-1:] and key[:1] in {b'"', b"'"}
    return f"{allowed}, without the quotation marks around it" if is_quoted else allowed


def _mended_envelope(value: bytes, dropped: list[Dropped]) -> Envelope:
    whole = with_whole_characters(value)
    if whole != value:
        dropped.append(Dropped("$", Reason.NOT_JSON, "whole characters; half of one is replaced by U+FFFD"))
    members = with_data(members_of(whole, "$", Reason.ENVELOPE))
    envelope, found = mend(members, Envelope, "$", Reason.ENVELOPE)
    dropped += found
    return envelope


def _amended(
    topic: str, contracts: dict[str, _Contract], envelope: Envelope, dropped: list[Dropped]
) -> tuple[Literal["corrected", "withdrawn"], Correction | Withdrawal, Event | None, str | None]:
    """Read a correction or withdrawal. Return which one it is, its data, the fact in force, and the Kafka key."""
    change = _amendments[topic].get(envelope.type)
    if change is None:
        raise _unknown(contracts, "$.type")
    if change == "withdrawn":
        withdrawal = _read(_WITHDRAWAL.decode, Withdrawal, envelope.data, "$.data", dropped)
        _named(withdrawal)
        return change, withdrawal, None, withdrawal.key
    correction = _read(_CORRECTION.decode, Correction, envelope.data, "$.data", dropped)
    _named(correction)
    plausible(correction.replaced_time, "$.data.replaced_time")
    contract = contracts.get(correction.replaced_type)
    if contract is None:
        raise _unknown(contracts, "$.data.replaced_type")
    fact = _fact(contract, correction.replacement, "$.data.replacement", dropped)
    return change, correction, fact, contract.key(fact)


def _read(
    decode_data: Callable[[msgspec.Raw], Struct],
    struct: type[Struct],
    data: msgspec.Raw,
    path: str,
    dropped: list[Dropped],
) -> Struct:
    try:
        return decode_data(data)
    except UNPARSED:
        return _mended(struct, data, path, dropped)


def _mended(struct: type[Struct], data: msgspec.Raw, path: str, dropped: list[Dropped]) -> Struct:
    mended, found = mend(members_of(data, path, Reason.SCHEMA), struct, path, Reason.SCHEMA)
    dropped += found
    return mended


def _named(amendment: Correction | Withdrawal) -> None:
    printable(amendment.root_source, "$.data.root_source")
    printable(amendment.root_id, "$.data.root_id")


def _register(topic: str) -> dict[str, _Contract]:
    """Build the contracts of a topic once, when its first record arrives."""
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


def _fact(contract: _Contract, data: msgspec.Raw, path: str, dropped: list[Dropped]) -> Event:
    decode_data, struct, _, dated = contract
    try:
        fact = decode_data(data)
    except UNPARSED:
        return _mended(struct, data, path, dropped)
    for name in dated:
        if (moment := getattr(fact, name)) is not None and implausible(moment):
            return _mended(struct, data, path, dropped)
    return fact


def _unknown(contracts: dict[str, _Contract], path: str) -> Refusal:
    return Refusal(Reason.UNKNOWN_TYPE, path, ", ".join(sorted(contracts)))
