"""
CloudEvents that the system itself writes.

Writers encode them with this module, and readers validate them with it.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from streams import names
from streams.contracts.audit import AUDIT_TYPE, AuditEntry
from streams.contracts.checks import Reason, Refusal, arrival_ms, parse, plausible, readable
from streams.contracts.decode import refused
from streams.contracts.outputs import (
    ALERT_TYPE,
    DEAD_LETTER_TYPE,
    FEEDBACK_TYPE,
    HEARTBEAT_TYPE,
    SHARING_DECISION_TYPE,
    Alert,
    DeadLetter,
    Feedback,
    Heartbeat,
    PartnerNotice,
    SharingDecision,
)
from streams.contracts.record import Record, Rejected, Unreadable

__all__ = ["Output", "OutputEnvelope", "decode_output", "encode_output"]

_INT32, _INT64 = 2**31 - 1, 2**63 - 1
_SMALL_NUMBERS = {"partition", "rule_version", "version"}

Data = Alert | Feedback | PartnerNotice | SharingDecision | DeadLetter | Heartbeat | AuditEntry


class OutputEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """The CloudEvents 1.0 envelope of an event that the system writes."""

    specversion: str = "1.0"
    id: Annotated[str, Meta(min_length=1)]
    source: Annotated[str, Meta(min_length=1)]
    type: str
    time: datetime
    datacontenttype: str = "application/json"
    data: msgspec.Raw


class Output(msgspec.Struct, frozen=True):
    """A record of one of the system's own topics."""

    topic: str
    partition: int
    offset: int
    received_ms: int
    data: Data


_PUBLISHED = msgspec.json.Decoder(OutputEnvelope)
_TYPES: dict[str, tuple[str, msgspec.json.Decoder[Any]]] = {
    names.ALERTS: (ALERT_TYPE, msgspec.json.Decoder(Alert)),
    names.FEEDBACK: (FEEDBACK_TYPE, msgspec.json.Decoder(Feedback)),
    names.SHARING_DECISION: (SHARING_DECISION_TYPE, msgspec.json.Decoder(SharingDecision)),
    names.DEAD_LETTER: (DEAD_LETTER_TYPE, msgspec.json.Decoder(DeadLetter)),
    names.HEARTBEAT: (HEARTBEAT_TYPE, msgspec.json.Decoder(Heartbeat)),
    names.AUDIT: (AUDIT_TYPE, msgspec.json.Decoder(AuditEntry)),
}


def encode_output(type_: str, *, source: str, identity: str, time: datetime, data: Data) -> bytes:
    """Return the CloudEvents JSON of an event that the system writes."""
    raw = msgspec.Raw(msgspec.json.encode(data))
    return msgspec.json.encode(OutputEnvelope(id=identity, source=source, type=type_, time=time, data=raw))


def decode_output(record: Record) -> Output | Rejected:
    """Validate one record of a topic that the system itself writes."""
    try:
        return _accept(record)
    except Refusal as refusal:
        return refused(record, refusal)


def _accept(record: Record) -> Output:
    type_, decoder = _TYPES[record.topic]
    if type(record) is Unreadable:
        raise Refusal(record.reason, allowed=record.lacks)
    value = record.value or b""
    readable(value)
    if b"\\u0000" in value:
        raise Refusal(Reason.SCHEMA, allowed="text without the character U+0000")
    published = parse(_PUBLISHED, value, Reason.ENVELOPE)
    if published.type != type_:
        raise Refusal(Reason.UNKNOWN_TYPE, "$.type", type_)
    data: Data = parse(decoder, published.data, Reason.SCHEMA, "$.data")
    _storable(data)
    return Output(record.topic, record.partition, record.offset, arrival_ms(record.timestamp), data)


def _storable(data: Data) -> None:
    """Refuse numbers and times that no landing column can hold."""
    for name in data.__struct_fields__:
        value = getattr(data, name)
        if isinstance(value, int) and abs(value) > (_INT32 if name in _SMALL_NUMBERS else _INT64):
            raise Refusal(Reason.SCHEMA, f"$.data.{name}", "a number that its column holds")
        if isinstance(value, datetime):
            plausible(value, f"$.data.{name}")
    if isinstance(data, Alert):
        for evidence in data.evidence:
            plausible(evidence.time, "$.data.evidence[...].time")
    if isinstance(data, Heartbeat) and any(offset > _INT64 for row in data.offsets.values() for offset in row):
        raise Refusal(Reason.SCHEMA, "$.data.offsets[...]", "a number that its column holds")
