"""
Stories whose alerts are known: a true case or a near miss of one rule each, on a family of its own.

A story's docstring says why it must, or must not, raise its rule; the truth file repeats it.
Their referrals ask for early help, so that the calibrated counts of referrals to social care stay as published.
"""

from collections.abc import Callable, Sequence

from streams.simulate.borough import Borough
from streams.simulate.planted import adults, clocks, concerns, consent, levels, referrals
from streams.simulate.planted.script import Script
from streams.simulate.truth import Claim

__all__ = ["STORIES", "plant"]

STORIES: Sequence[Callable[[Script], None]] = (
    *adults.STORIES,
    *levels.STORIES,
    *concerns.STORIES,
    *referrals.STORIES,
    *clocks.STORIES,
    *consent.STORIES,
)
"""Every planted story."""


def plant(borough: Borough, copies: int) -> list[Claim]:
    """Write each story so many times, on different families and days; returns what they must and must not raise."""
    return [claim for _ in range(copies) for story in STORIES for claim in Script(borough, story).play()]
