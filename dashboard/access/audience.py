"""
For whom a page is made: everybody, accounts for figures, the desk.

Each sees what the one before sees, and more. What is not said to be for an audience is for the desk.
"""

from enum import IntEnum

__all__ = ["ROLES", "Audience"]


class Audience(IntEnum):
    """Who reads, from the one that may see least."""

    EVERYBODY = 0
    """Nobody is logged in: what is published, the rules, and whether the system works."""
    FIGURES = 1
    """Commissioners and clinics: live figures down to wards without small counts, and no single alert."""
    DESK = 2
    """Everything: families, single alerts, figures as they are."""


ROLES = {"figures": Audience.FIGURES, "desk": Audience.DESK}
"""The role of an account, and the audience that it belongs to."""
