"""Moments in UTC and in London, waiting, and when a loop is to stop."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from streams.names import TIME_ZONE

__all__ = ["LONDON", "aware", "naive", "stops_after", "wait_for"]

LONDON = ZoneInfo(TIME_ZONE)
"""The zone in which dates, months and hours are counted."""

_Moment = TypeVar("_Moment", datetime, datetime | None)


def aware(moment: _Moment) -> _Moment:
    """A moment with its zone; one without a zone is in UTC, as databases store it. None stays None."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def naive(moment: datetime) -> datetime:
    """An aware moment as databases store it: in UTC, without its zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def stops_after(seconds: float | None, until: Callable[[], bool]) -> Callable[[], bool]:
    """A function that tells whether to stop: because `until` says so, or because the seconds from now are over."""
    if seconds is None:
        return until
    ends_at = time.monotonic() + seconds
    return lambda: until() or time.monotonic() >= ends_at


def wait_for(condition: Callable[[], bool], seconds: float, *, every: float) -> bool:
    """Wait until a condition holds, asking every so many seconds; False if it does not within `seconds`."""
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= ends_at:
            return False
        time.sleep(every)
    return True
