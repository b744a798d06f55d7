"""Over-shared ids: more families share them than can share one person or home. They connect nobody (`int_crowds`)."""

import sys
from typing import NamedTuple

__all__ = ["CROWDS", "CROWD_LIMITS", "NO_LIMITS", "CrowdLimits"]

CROWDS, CROWD_LIMITS = "int_crowds", "stg_crowd_limits"
"""
The model of over-shared ids, and the model of the limits.

To find over-shared ids takes all families. So with the events of a few families, the rows of `CROWDS` are given as
input.
"""


class CrowdLimits(NamedTuple):
    """The most families of a person, and the most families, or persons, at an address."""

    families_of_person: int
    families_at_address: int


NO_LIMITS = CrowdLimits(sys.maxsize, sys.maxsize)
"""The limits in a project of rules that has none."""
