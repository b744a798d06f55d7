"""
Over-shared ids (`int_crowds`): ids of persons or addresses that too many families share.

An over-shared id connects no families.
"""

import sys
from typing import NamedTuple

__all__ = ["CROWDS", "CROWD_LIMITS", "NO_LIMITS", "CrowdLimits"]

CROWDS, CROWD_LIMITS = "int_crowds", "stg_crowd_limits"
"""
The model of over-shared ids, and the model of the limits.

Over-shared ids can be found only by reading the events of all families. So if only the events of some families are
evaluated, the caller can give the rows of `CROWDS` as input.
"""


class CrowdLimits(NamedTuple):
    """
    The limits above which the id of a person or an address is over-shared.

    They are the highest number of families that may share a person, and the highest number of families or persons that
    may share an address.
    """

    families_of_person: int
    families_at_address: int


NO_LIMITS = CrowdLimits(sys.maxsize, sys.maxsize)
"""The limits in a project without a model of limits."""
