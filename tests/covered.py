"""Stores the statements about coverage that a test's lake needs."""

from datetime import date, timedelta

from streams.coverage import EVERY_SOURCE, KINDS, state, statement
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["cover"]


def cover(settings: Settings, authority: str, first: date, last: date | None = None) -> None:
    """
    State that all kinds of figures of every source are covered from a day on, and that the year before is complete.
    """
    before = first - timedelta(days=1)
    year = first.replace(year=first.year - 1)
    with connect(settings, landing="read_write", marts=None) as lake:
        for kinds, since, until in ((["history"], year, before), (KINDS, first, last)):
            state(lake, statement(authority, EVERY_SOURCE, kinds, since, until, is_whole=True, why="a test"))
