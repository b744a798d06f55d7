"""Helpers for times in UTC and in London, for waiting, and for ending loops."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from streams.names import TIME_ZONE

__all__ = ["LONDON", "aware", "naive", "stops_after", "wait_for"]

LONDON = ZoneInfo(TIME_ZONE)
"""The time zone in which dates, months and hours are counted."""

_Moment = TypeVar("_Moment", datetime, datetime | None)


def aware(moment: _Moment) -> _Moment:
    """Return a time with its time zone, or None for None. Databases store UTC, so a time without a zone is in UTC."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def naive(moment: datetime) -> datetime:
    """Return a timezone-aware time in the form in which databases store it: in UTC, without a time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def stops_after(seconds: float | None, until: Callable[[], bool]) -> Callable[[], bool]:
    """
    Return a function that a loop calls to find out whether it must stop.

    The function returns True if `until()` is true, or if `seconds` have passed since it was made.
    """
    if seconds is None:
        return until
    ends_at = time.monotonic() + seconds
    return lambda: until() or time.monotonic() >= ends_at


def wait_for(condition: Callable[[], bool], seconds: float, *, every: float) -> bool:
    """Wait until `condition` is true, and check it every `every` seconds. Return False if `seconds` pass first."""
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= ends_at:
            return False
        time.sleep(every)
    return True
