"""States for a test's lake what its events cover."""

from datetime import date, timedelta

from streams.coverage import EVERY_SOURCE, KINDS, state, statement
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["cover"]


def cover(settings: Settings, authority: str, first: date, last: date | None = None) -> None:
    """All kinds of every source from a day on, and nothing missing in the year before it."""
    before = first - timedelta(days=1)
    year = first.replace(year=first.year - 1)
    with connect(settings, landing="read_write", marts=None) as lake:
        for kinds, since, until in ((["history"], year, before), (KINDS, first, last)):
            state(lake, statement(authority, EVERY_SOURCE, kinds, since, until, is_whole=True, why="a test"))
