"""Record which days are covered time in a simulated world."""

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
    Record a world's covered time: its window for all kinds of events, and the year before the window for the kind
    `history`.

    Nothing is missing from either period, because a simulated world has no events other than those that are sent.

    Args:
        settings: Settings that say where the lake is.
        world: The world that is sent.
        goes_on: Whether live events follow. If so, the covered time has no end.

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
