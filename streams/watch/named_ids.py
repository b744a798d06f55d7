"""Finds which families, persons and addresses an event names."""

from functools import cache
from typing import Any, NamedTuple

import msgspec

from streams.contracts import Accepted
from streams.contracts.case_people import HouseholdJoined, HouseholdLeft, PersonRecorded, PersonsLinked
from streams.contracts.case_work import SchoolNotified
from streams.contracts.event import fact_name

__all__ = ["ABOUT_HOUSEHOLDS", "Named", "named_by"]

ABOUT_HOUSEHOLDS = frozenset(
    fact_name(one.type) for one in (HouseholdJoined, HouseholdLeft, PersonRecorded, PersonsLinked, SchoolNotified)
)
"""Facts from which the rules learn which children live with an adult, or whether a child's school was notified."""

_FAMILIES = ("family_id", "release_family_id", "marker_families")
_PERSONS = ("person_id", "linked_person_id", "person_ids")
_ADDRESSES = ("address_id",)


class Named(NamedTuple):
    """
    The families, persons and addresses that an event names.

    Attributes:
        is_link: whether the event says that its two person ids are one person.
        marker: the id of the risk marker that the event is about, or an empty string.
        is_of_person: whether the event is about a person and has no family of its own.
    """

    families: list[str]
    persons: list[str]
    addresses: list[str]
    is_link: bool = False
    marker: str = ""
    is_of_person: bool = False


def named_by(event: Accepted) -> Named:
    """
    Find the families, persons and addresses that an event names.

    The event can be a fact, a correction or a withdrawal.
    """
    about: Any = event.amendment if event.fact is None else event.fact
    tells = _tells(type(about))  # type: ignore[arg-type]  # mypy: classes cannot be hashed
    families, persons, addresses = (_ids(about, fields) for fields in tells.ids)
    return Named(
        families,
        persons,
        addresses,
        is_link=tells.links,
        marker=(tells.marker and about.marker_id) or "",
        is_of_person=not (tells.family and about.family_id is not None),
    )


class _Tells(NamedTuple):
    """
    The ids that events of one type can contain.

    `ids` are the names of the fields with ids of families, persons and addresses. The other attributes say whether the
    type has a field for a linked person, a risk marker or a family.
    """

    ids: tuple[tuple[str, ...], ...]
    links: bool
    marker: bool
    family: bool


@cache
def _tells(kind: type[msgspec.Struct]) -> _Tells:
    has = set(kind.__struct_fields__)
    ids = tuple(tuple(name for name in names if name in has) for names in (_FAMILIES, _PERSONS, _ADDRESSES))
    return _Tells(ids, "linked_person_id" in has, "marker_id" in has, "family_id" in has)


def _ids(about: object, fields: tuple[str, ...]) -> list[str]:
    found: set[str] = set()
    for field in fields:
        value = getattr(about, field)
        if isinstance(value, str):
            found.add(value)
        elif value:
            found.update(value)
    return sorted(found) if len(found) > 1 else list(found)
