"""Whom and where an event names."""

from functools import cache
from typing import NamedTuple

from streams.contracts import Accepted, Event
from streams.contracts.case_change import HouseholdJoined, HouseholdLeft, PersonRecorded, PersonsLinked, SchoolNotified

__all__ = ["ABOUT_HOUSEHOLDS", "Named", "named_by"]

ABOUT_HOUSEHOLDS = frozenset(
    one.type.split(".")[-2] for one in (HouseholdJoined, HouseholdLeft, PersonRecorded, PersonsLinked, SchoolNotified)
)
"""Facts that can tell which children live with an adult, or whether their school was told."""

_FAMILIES = frozenset({"family_id", "release_family_id", "marker_families"})
_PERSONS = frozenset({"person_id", "linked_person_id", "person_ids"})
_ADDRESSES = frozenset({"address_id"})


class Named(NamedTuple):
    """
    The families, persons and addresses that an event names, and whether it links its persons.

    `marker` is the risk marker that it is about, or empty. `is_of_person`: it is recorded of a person, in no family.
    """

    families: list[str]
    persons: list[str]
    addresses: list[str]
    is_link: bool = False
    marker: str = ""
    is_of_person: bool = False


def named_by(event: Accepted) -> Named:
    """Whom and where an event names, whether it records, corrects or withdraws."""
    about: Event | object = event.amendment if event.fact is None else event.fact
    has = _has(type(about))
    return Named(
        _ids(about, has & _FAMILIES),
        _ids(about, has & _PERSONS),
        _ids(about, has & _ADDRESSES),
        is_link="linked_person_id" in has,
        marker=("marker_id" in has and about.marker_id) or "",
        is_of_person=not ("family_id" in has and about.family_id is not None),
    )


@cache
def _has(kind: type) -> frozenset[str]:
    """What events of a kind tell."""
    return frozenset(kind.__struct_fields__)


def _ids(about: object, fields: frozenset[str]) -> list[str]:
    found: set[str] = set()
    for field in fields:
        value = getattr(about, field)
        if isinstance(value, str):
            found.add(value)
        elif value:
            found.update(value)
    return sorted(found)
