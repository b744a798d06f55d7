"""What a simulated world covers: all there is of its authorities from its start on, with nothing before it."""

from datetime import timedelta
from functools import partial

from streams.coverage import EVERY_SOURCE, KINDS, state, statement
from streams.lake.connect import connect
from streams.settings import Settings
from streams.simulate.hours import day_of, months_later
from streams.simulate.world import World

__all__ = ["state_coverage"]

_WHY = "simulated: the world has nothing else"


def state_coverage(settings: Settings, world: World, *, goes_on: bool) -> None:
    """
    State the coverage of a world's window, and that of the year before it nothing is missing to look back on.

    Args:
        settings: where the lake is.
        world: the world that is sent.
        goes_on: live events follow, so that it is covered from then on, too.

    Raises:
        LakeUnavailable: the lake does not answer.
    """
    first, last = day_of(world.start), day_of(world.end - timedelta(microseconds=1))
    before = first - timedelta(days=1)
    with connect(settings, landing="read_write", marts=None) as lake:
        for authority in world.authorities:
            of_all = partial(statement, authority, EVERY_SOURCE, is_whole=True, why=_WHY)
            state(lake, of_all(["history"], months_later(first, -12), before))
            state(lake, of_all(KINDS, first, None if goes_on else last))
