"""One consistent example of every message, put together from the examples of its fields."""

from typing import Any

import msgspec

from streams.contracts.describe import describe
from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import Event

__all__ = ["amendment_example", "event_example", "output_example"]

_CONTRADICTING = frozenset({"consent_reason", "died_on", "due_date", "upn_unknown"})
"""
Optional fields that contradict other fields. A person with a date of birth has no due date. If consent is given, there
is no reason why it was not sought.
"""

_VALUES = {"consent": "given"}
"""Example values for fields whose default is a value that forms must not send."""


def event_example(struct: type[Event]) -> dict[str, Any]:
    """Return an example message of an event type."""
    return _message(struct.type, _data(struct))


def amendment_example(amendment: type[Correction | Withdrawal], type_: str, struct: type[Event]) -> dict[str, Any]:
    """Return an example message that corrects or withdraws the example of `struct`."""
    if amendment is Withdrawal:
        data = _fields(Withdrawal, omitted={"alert_id", "family_id", "person_id"})
        replaced = _data(struct)
        data[next(name for name in struct.key_fields if name in replaced)] = _key(struct)
    else:
        data = _fields(Correction, omitted={"replacement"}) | {
            "replaced_type": struct.type,
            "replacement": _data(struct),
        }
    return _message(type_, data) | {"id": "e-1002"}


def output_example(struct: type[msgspec.Struct], type_: str) -> dict[str, Any]:
    """Return an example of a message that the system itself writes."""
    return _message(type_, _fields(struct, omitted={"supersedes", "status_reason"}))


def _message(type_: str, data: dict[str, Any]) -> dict[str, Any]:
    return _fields(Envelope, omitted={"data"}) | {"type": type_, "data": data}


def _data(struct: type[Event]) -> dict[str, Any]:
    """Return example data with all fields that do not contradict others. Of several key fields, only one is set."""
    return _fields(struct, omitted={*_CONTRADICTING, *_other_keys(struct)}) | {
        name: value for name, value in _VALUES.items() if name in struct.__struct_fields__
    }


def _other_keys(struct: type[Event]) -> set[str]:
    required = {field.name for field in msgspec.structs.fields(struct) if field.required}
    return set(struct.key_fields[1:]) - required


def _key(struct: type[Event]) -> str:
    data = _data(struct)
    key: str = next(data[name] for name in struct.key_fields if name in data)
    return key


def _fields(struct: type[msgspec.Struct], omitted: set[str]) -> dict[str, Any]:
    return {
        field.name: describe(field).example for field in msgspec.structs.fields(struct) if field.name not in omitted
    }
