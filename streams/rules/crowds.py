"""
Over-shared ids (`int_crowds`): ids that more families share than can share one person or home.

An over-shared id connects nobody.
"""

import sys
from typing import NamedTuple

__all__ = ["CROWDS", "CROWD_LIMITS", "NO_LIMITS", "CrowdLimits"]

CROWDS, CROWD_LIMITS = "int_crowds", "stg_crowd_limits"
"""
The model of over-shared ids, and the model of the limits.

All families must be read to find over-shared ids. So if only the events of a few families are evaluated, the rows of
`CROWDS` are given as input.
"""


class CrowdLimits(NamedTuple):
    """The highest allowed number of families of one person, and of families or persons at one address."""

    families_of_person: int
    families_at_address: int


NO_LIMITS = CrowdLimits(sys.maxsize, sys.maxsize)
"""The limits in a project without a model of limits."""
