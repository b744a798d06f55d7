"""
Stories that test the rules. Each story is about a family of its own. It is either a true case of one rule, which must
raise an alert, or a near miss, which must not.

A story's docstring says why the rule must raise an alert, or why it must not. The truth file repeats that text.
The stories' referrals ask for early help, so that the calibrated counts of referrals to social care do not change.
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
"""All planted stories."""


def plant(borough: Borough, copies: int) -> list[Claim]:
    """
    Write each story `copies` times, each time about a new family and on other days; return the claims of all
    stories.
    """
    return [claim for _ in range(copies) for story in STORIES for claim in Script(borough, story).play()]
