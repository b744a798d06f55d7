"""
The audiences of the pages: everybody, accounts for figures, and the desk.

Each audience sees everything that the audience before it in this list sees, and more. A page that names no audience is
shown only to the desk.
"""

from enum import IntEnum

__all__ = ["ROLES", "Audience"]


class Audience(IntEnum):
    """The audiences, ordered from the one that may see least to the one that may see most."""

    EVERYBODY = 0
    """Readers who are not logged in. These readers see published figures, the rules, and whether the system works."""
    FIGURES = 1
    """
    Commissioners and clinics.

    Their accounts see live figures down to wards, without small counts and without single alerts.
    """
    DESK = 2
    """The desk. The desk sees everything, including families, single alerts and small counts."""


ROLES = {"figures": Audience.FIGURES, "desk": Audience.DESK}
"""The roles of accounts, each with the audience that it belongs to."""
