"""
The audiences of the pages: everybody, accounts for figures, desks of areas, and the desk. A role names one of them.

Each of these sees everything that the one before it sees, and more. If a page names no audience, only the desk sees it.
"""

from collections.abc import Iterable
from enum import IntEnum

__all__ = ["DESK", "FIGURES", "Audience", "areas_of", "audience_of", "desk_of"]


class Audience(IntEnum):
    """The audiences. A higher number means that an audience may see more."""

    EVERYBODY = 0
    """Readers who are not logged in. They see published figures, the rules, and whether the system works."""
    FIGURES = 1
    """
    Commissioners and clinics.

    They see live figures down to wards, but no small counts and no single alerts.
    """
    AREA = 2
    """The desk of some areas. It also sees the single alerts of these areas, but no small counts."""
    DESK = 3
    """The desk, which sees everything, including families, single alerts and small counts."""


FIGURES, DESK = "figures", "desk"
"""The roles that have no areas."""

_AUDIENCES = {FIGURES: Audience.FIGURES, DESK: Audience.DESK}


def audience_of(role: str) -> Audience | None:
    """Return the audience to which a role belongs, or None if there is no such role."""
    return Audience.AREA if areas_of(role) else _AUDIENCES.get(role)


def areas_of(role: str) -> frozenset[str]:
    """Return the areas of a role such as `desk:birkenhead+wallasey`. Other roles have no areas."""
    kind, _, names = role.partition(":")
    areas = frozenset(names.split("+"))
    return areas if kind == DESK and all(areas) else frozenset()


def desk_of(areas: Iterable[str]) -> str:
    """Return the role of the desk of these areas."""
    return f"{DESK}:{'+'.join(sorted(set(areas)))}"
