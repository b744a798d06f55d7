"""
Turn the content of an event into a number. Copies of an event have the same number; other events have other numbers.

Some differences do not change the number: members that the contract does not read, the order and form of the JSON, and
the UTC offset in which a time is written. A field that is left out counts like a field with its default value. So a new
optional field does not change the number of any earlier event.
"""

import struct
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import get_args

import msgspec

from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import Event

__all__ = ["content_id"]

_ENCODER = msgspec.json.Encoder(order="sorted")
_INTEGER = struct.Struct("<q")
_DECODED_APART = msgspec.Raw(b"null")


def content_id(envelope: Envelope, amendment: Correction | Withdrawal | None, fact: Event | None) -> int:
    """Return a digest (64 bits, signed) of everything that an event says, without its source and id."""
    if isinstance(amendment, Correction):
        amendment = msgspec.structs.replace(amendment, replacement=_DECODED_APART)
    time = envelope.time if envelope.time.tzinfo is UTC else envelope.time.astimezone(UTC)
    said = (envelope.type, time, envelope.authority, envelope.backfill, _in_utc(amendment), _in_utc(fact))
    digest: int = _INTEGER.unpack(blake2b(_ENCODER.encode(said), digest_size=8).digest())[0]
    return digest


def _in_utc(part: msgspec.Struct | None) -> msgspec.Struct | None:
    if part is None or not (names := _moments(type(part))):
        return part
    told = {name: moment.astimezone(UTC) for name in names if (moment := getattr(part, name)) is not None}
    return msgspec.structs.replace(part, **told)


@cache
def _moments(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields that hold a time."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if _is_moment(field.type))


def _is_moment(type_: object) -> bool:
    return type_ is datetime or any(map(_is_moment, get_args(type_)))
