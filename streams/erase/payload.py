"""
Find the ids of a subject in the payload of an accepted event, and replace them with markers.

The contract says what a field is. So the id of a family or a person is compared as a whole, and with its own kind only:
family `F-1` is not in an event whose family is `F-1-B`, nor in one whose person is `F-1`. A valid time or code is no
id, whatever its characters. All other texts may contain an id.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import event_types
from streams.contracts.fields import IDENTIFIER_PATTERN
from streams.erase.subject import Subject

__all__ = ["FAMILIES", "NOTE", "PERSONS", "is_in_payload", "without", "without_in_field"]

FAMILIES = {"family_id", "release_family_id", "marker_families"}
PERSONS = {"person_id", "linked_person_id", "person_ids"}
"""The fields with ids of families, and of persons."""
NOTE = "note"
"""The only field of the contract with free text."""


def is_in_payload(subject: Subject, payload: str) -> bool:
    """Return whether the payload of an accepted event contains one of the ids."""
    leaves = _leaves(json.loads(payload, object_pairs_hook=_Members), "", is_known=True)
    return any(without_in_field(subject, name, text) != text for name, text in leaves)


def without(subject: Subject, payload: str) -> bytes:
    """Return a payload with markers for the ids, and without free text and fields that the contract does not know."""
    return json.dumps(_without(subject, json.loads(payload), ""), ensure_ascii=False).encode()


def without_in_field(subject: Subject, name: str, value: str) -> str:
    """Return the value of a field with markers for the ids. A field that the contract does not know has no name."""
    if name in FAMILIES | PERSONS and re.fullmatch(IDENTIFIER_PATTERN, value):
        own = subject.families if name in FAMILIES else subject.persons
        return subject.markers[value] if value in own else value
    if (type_ := _types().get(name)) is not None and _is_closed(type_) and _is_valid(value, type_):
        return value
    return subject.without(value)


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object. If a name is given twice, both members are there."""


def _leaves(value: Any, name: str, *, is_known: bool) -> Iterator[tuple[str, str]]:
    """Yield all texts, numbers and unknown names in a JSON value, each with the name of its field."""
    if isinstance(value, _Members):
        for member, item in value:
            is_also_known = is_known and member in _types()
            if not is_also_known:
                yield "", member
            yield from _leaves(item, member if is_also_known else "", is_known=is_also_known)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, name, is_known=is_known)
    elif value is not None:
        yield name, str(value)


def _without(subject: Subject, value: Any, name: str) -> Any:
    if isinstance(value, dict):
        known = {member: item for member, item in value.items() if member in _types() and member != NOTE}
        return {member: _without(subject, item, member) for member, item in known.items()}
    if isinstance(value, list):
        return [_without(subject, item, name) for item in value]
    changed = without_in_field(subject, name, str(value))
    return value if changed == str(value) else changed


@cache
def _types() -> dict[str, Any]:
    """Return the type of each field that the contract knows: that of its items if it is a list."""
    structs: tuple[type[msgspec.Struct], ...] = (*event_types().values(), Envelope, Correction, Withdrawal)
    return {field.name: _inner(field.type) for struct in structs for field in msgspec.structs.fields(struct)}


def _inner(type_: Any) -> Any:
    bare = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    if get_origin(bare) is list:
        return _inner(get_args(bare)[0])
    if get_origin(bare) in {Union, UnionType}:
        return _inner(next(one for one in get_args(bare) if one is not NoneType))
    return type_


@cache
def _is_closed(type_: Any) -> bool:
    """Return whether a type has values of a certain form only, such as codes and times, and no text."""
    bare = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    return bare is not str


def _is_valid(value: str, type_: Any) -> bool:
    try:
        msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError:
        return False
    return True
