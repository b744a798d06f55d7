"""Ids that more families share than one person, or one home, can be of: they link nobody (`int_crowds`)."""

from typing import NamedTuple

__all__ = ["Crowd", "CrowdLimits"]


class Crowd(NamedTuple):
    """One such id; its `kind` is `person`, `address`, or `link` for an identifier whose links are not followed."""

    kind: str
    identifier: str


class CrowdLimits(NamedTuple):
    """In how many families a person may be named, and at how many (or with how many persons) an address."""

    families_of_person: int
    families_at_address: int
