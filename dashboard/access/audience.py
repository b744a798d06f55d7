"""
The audiences of the pages: everybody, accounts for figures, the desk.

Each audience sees what the one before it sees, and more. A page that names no audience is for the desk.
"""

from enum import IntEnum

__all__ = ["ROLES", "Audience"]


class Audience(IntEnum):
    """The audiences, from the one that may see least."""

    EVERYBODY = 0
    """Readers who are not logged in: what is published, the rules, and whether the system works."""
    FIGURES = 1
    """Commissioners and clinics: live figures down to wards without small counts, and no single alert."""
    DESK = 2
    """The desk: everything, with families, single alerts and small counts."""


ROLES = {"figures": Audience.FIGURES, "desk": Audience.DESK}
"""The role of an account, and the audience that it belongs to."""
