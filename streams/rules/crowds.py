"""Ids that more families share than one person, or one home, can be of: they link nobody (`int_crowds`)."""

import sys
from typing import NamedTuple

__all__ = ["CROWDS", "CROWD_LIMITS", "NO_LIMITS", "CrowdLimits"]

CROWDS, CROWD_LIMITS = "int_crowds", "stg_crowd_limits"
"""The model that looks at all families, whose rows are handed in with the events of a few; and that of the limits."""


class CrowdLimits(NamedTuple):
    """In how many families a person may be named, and at how many (or with how many persons) an address."""

    families_of_person: int
    families_at_address: int


NO_LIMITS = CrowdLimits(sys.maxsize, sys.maxsize)
"""Those of a project of rules that has none."""
