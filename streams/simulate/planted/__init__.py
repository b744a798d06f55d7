"""
Stories that test the rules. Each story is about a family of its own. It is either a true case of one rule, which must
raise an alert, or a near miss, which must not.

A story's docstring says why the rule must raise an alert, or why it must not. The truth file repeats that text.
The stories' referrals ask for early help, so that the calibrated counts of referrals to social care do not change.
"""

from collections.abc import Callable, Sequence

from streams.simulate.borough import Borough
from streams.simulate.planted import adults, clocks, concerns, consent, levels, openings, referrals
from streams.simulate.planted.script import Script
from streams.simulate.truth import Claim

__all__ = ["OPENINGS", "OTHERS", "STORIES", "plant"]

Stories = Sequence[Callable[[Script], None]]

OTHERS: Stories = (
    *adults.STORIES,
    *levels.STORIES,
    *concerns.STORIES,
    *referrals.STORIES,
    *clocks.STORIES,
    *consent.STORIES,
)
"""All planted stories except `OPENINGS`."""

OPENINGS: Stories = openings.STORIES
"""Stories that a world plants apart, so that all other events of a seed are the same with and without them."""

STORIES: Stories = (*OTHERS, *OPENINGS)
"""All planted stories."""


def plant(borough: Borough, copies: int, stories: Stories = STORIES) -> list[Claim]:
    """
    Write each story `copies` times, each time about a new family and on other days; return the claims of all
    stories.
    """
    return [claim for _ in range(copies) for story in stories for claim in Script(borough, story).play()]
