"""
The audiences of the pages: everybody, accounts for figures, and the desk.

Each of these sees everything that the one before it sees, and more. If a page names no audience, only the desk sees it.
"""

from enum import IntEnum

__all__ = ["ROLES", "Audience"]


class Audience(IntEnum):
    """The audiences. A higher number means that an audience may see more."""

    EVERYBODY = 0
    """Readers who are not logged in. They see published figures, the rules, and whether the system works."""
    FIGURES = 1
    """
    Commissioners and clinics.

    They see live figures down to wards, but no small counts and no single alerts.
    """
    DESK = 2
    """The desk, which sees everything, including families, single alerts and small counts."""


ROLES = {"figures": Audience.FIGURES, "desk": Audience.DESK}
"""The roles of accounts. Each role belongs to an audience."""
