"""
Read a record again, field by field, after the fast decoder refused it. An error in a field that no rule needs must not
hide a child.

`null` means that a field is not given. If a field that no rule needs is wrong, it is left out, and this is reported. If
such a field must have a value, it takes the safest value, which the contract names. If a needed field is wrong, the
record is refused.
"""

from datetime import date
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

import msgspec

from streams.contracts.checks import UNPARSED, Reason, Refusal, implausible, unparsed
from streams.contracts.describe import allowed
from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import Event
from streams.contracts.forms import respelt

__all__ = ["Dropped", "Members", "Struct", "Tolerant", "members_of", "mend"]

Members = dict[str, msgspec.Raw]
"""A JSON object whose member values are not parsed."""

_NULL = b"null"
_MOST_ITEMS = 1_000
"""How many items of a list are read."""
_MOST_NAMED = 10
"""How many wrong items of a list are reported one by one."""


class Dropped(NamedTuple):
    """A value that was left out: its path, the reason, and what is allowed there, but never the value itself."""

    path: str
    reason: Reason
    allowed: str


Tolerant = Envelope | Correction | Withdrawal | Event
"""The structs that say which optional fields are `needed`, and which value a wrong field is given (`otherwise`)."""
Struct = TypeVar("Struct", Envelope, Correction, Withdrawal, Event)


class _Field(NamedTuple):
    """One field, prepared for reading it separately."""

    name: str
    decoder: msgspec.json.Decoder[Any]
    item: msgspec.json.Decoder[Any] | None
    most: int | None
    kind: object
    is_required: bool
    is_needed: bool
    allowed: str


class _Wrong(Exception):
    """Why a value cannot be read, and what is allowed in its place."""

    def __init__(self, reason: Reason, allowed: str) -> None:
        self.reason, self.allowed = reason, allowed


_MEMBERS = msgspec.json.Decoder(Members)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def members_of(value: bytes | msgspec.Raw, path: str, reason: Reason) -> Members:
    """
    Return the members of a JSON object.

    Raises:
        Refusal: the value is not JSON, or not an object.
    """
    try:
        return _MEMBERS.decode(value)
    except UNPARSED as error:
        raise unparsed(error, reason, Members, path) from None


def mend(members: Members, struct: type[Struct], path: str, reason: Reason) -> tuple[Struct, list[Dropped]]:
    """
    Read the members into a struct. Return the struct, and the values that were left out of it.

    Args:
        path: the path of the members within the record.
        reason: the reason for refusing the record if a needed member is missing or wrong.

    Raises:
        Refusal: a needed member is missing or wrong, or the members contradict each other.
    """
    values: dict[str, Any] = {}
    dropped: list[Dropped] = []
    for field in _fields(struct):
        place = f"{path}.{field.name}"
        given = members.get(field.name, _NULL)
        try:
            if bytes(given) != _NULL:
                values[field.name] = _read(field, given, place, reason, dropped)
                continue
            if not field.is_required:
                continue
            raise _Wrong(reason, f"must be given: {field.allowed}")
        except _Wrong as wrong:
            if field.is_needed:
                raise Refusal(wrong.reason, place, wrong.allowed) from None
            dropped.append(Dropped(place, wrong.reason, wrong.allowed))
            if field.name in struct.otherwise:
                values[field.name] = struct.otherwise[field.name]
    try:
        return struct(**values), dropped
    except ValueError as error:
        raise Refusal(reason, path, str(error)) from None


def _read(field: _Field, given: bytes | msgspec.Raw, path: str, reason: Reason, dropped: list[Dropped]) -> object:
    if field.item is None:
        return _value(field, field.decoder, given, reason)
    try:
        items = _ITEMS.decode(given)
    except UNPARSED as error:
        raise _wrong(error, reason, _ITEMS) from None
    kept, wrong = [], []
    for number, item in enumerate(items[:_MOST_ITEMS]):
        try:
            kept.append(_value(field, field.item, item, reason))
        except _Wrong as error:
            wrong.append(Dropped(f"{path}[{number}]", error.reason, error.allowed))
    most = field.most or _MOST_ITEMS
    if len(kept) > most or len(items) > _MOST_ITEMS or len(wrong) > _MOST_NAMED:
        wrong[_MOST_NAMED:] = [Dropped(path, reason, f"at most {most} items, each as the contract says")]
    dropped += wrong
    return _value(field, field.decoder, msgspec.json.encode(kept[:most]), reason)


def _value(field: _Field, decoder: msgspec.json.Decoder[Any], given: bytes | msgspec.Raw, reason: Reason) -> object:
    try:
        value = _decoded(field, decoder, given)
    except UNPARSED as error:
        raise _wrong(error, reason, decoder) from None
    if isinstance(value, date) and (years := implausible(value)):
        raise _Wrong(Reason.SCHEMA, years)
    return value


def _decoded(field: _Field, decoder: msgspec.json.Decoder[Any], given: bytes | msgspec.Raw) -> object:
    try:
        return decoder.decode(given)
    except UNPARSED:
        if (again := respelt(field.kind, bytes(given))) is None:
            raise
    return decoder.decode(again)


def _wrong(error: Exception, reason: Reason, decoder: msgspec.json.Decoder[Any]) -> _Wrong:
    refusal = unparsed(error, reason, decoder.type)
    assert refusal.allowed is not None, "unparsed() says what is allowed"
    return _Wrong(refusal.reason, refusal.allowed)


@cache
def _fields(struct: type[Tolerant]) -> tuple[_Field, ...]:
    return tuple(_field(struct, field) for field in msgspec.structs.fields(struct))


def _field(struct: type[Tolerant], field: msgspec.structs.FieldInfo) -> _Field:
    kind, most = _plain(field.type)
    is_list = get_origin(kind) is list
    return _Field(
        field.name,
        msgspec.json.Decoder(field.type),
        msgspec.json.Decoder(get_args(kind)[0]) if is_list else None,
        most,
        kind,
        field.required,
        field.name in struct.needed or (field.required and field.name not in struct.otherwise),
        allowed(field),
    )


def _plain(type_: object) -> tuple[object, int | None]:
    """Return a field's type without None and annotations, and the largest number of items that the field may have."""
    if get_origin(type_) is Annotated:
        inner, *metas = get_args(type_)
        kind, most = _plain(inner)
        return kind, next((meta.max_length for meta in metas if isinstance(meta, msgspec.Meta)), None) or most
    options = [option for option in get_args(type_) if option is not type(None)]
    is_optional = len(options) < len(get_args(type_))
    return _plain(options[0]) if is_optional else (type_, None)
