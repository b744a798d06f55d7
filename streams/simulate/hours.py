"""Choose the days and the hours (London time) at which each kind of reporter and worker acts."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import TypeVar

import holidays

from streams.times import LONDON

__all__ = ["day_of", "instant", "moment", "months_later", "next_working_day", "working_moment"]

T = TypeVar("T")

_BANK_HOLIDAYS = holidays.country_holidays("GB", subdiv="ENG")
_OFFICE = (9, 17)
_HOURS = {"6": (0, 24), "3E": (0, 24), "1": (8, 23), "9": (8, 23), "2": (8, 17), "5": (9, 17)}
_WEEKEND_SHARE = {"6": 1.0, "3E": 1.0, "1": 0.6, "9": 0.6}


def instant(day: date, hour: float) -> datetime:
    """Return the UTC time of a London day and hour. The hour may have a fraction."""
    local = datetime.combine(day, time(), LONDON) + timedelta(seconds=round(hour * 3600))
    return local.astimezone(UTC)


def day_of(at: datetime) -> date:
    """Return the London day of a time."""
    return at.astimezone(LONDON).date()


def moment(rng: Random, first: datetime, last: datetime, source_code: str) -> datetime:
    """
    Draw a time at which a referrer of this kind is likely to report. The time is at or after `first` and before
    `last`.
    """
    early, late = _by_kind(_HOURS, source_code, _OFFICE)
    weekend = _by_kind(_WEEKEND_SHARE, source_code, 0.02)
    days = (day_of(last) - day_of(first)).days + 1
    for _ in range(60):
        day = day_of(first) + timedelta(days=rng.randrange(days))
        if not _works(day) and rng.random() > weekend:
            continue
        at = instant(day, rng.uniform(early, late))
        if first <= at < last:
            return at
    return first + (last - first) * rng.random()


def working_moment(rng: Random, day: date) -> datetime:
    """Draw a time in working hours on this day, or on the next working day."""
    return instant(next_working_day(day), rng.uniform(9, 16.9))


def next_working_day(day: date) -> date:
    """Return the day itself if it is a working day in England, otherwise the next one."""
    while not _works(day):
        day += timedelta(days=1)
    return day


def is_working_time(at: datetime) -> bool:
    """
    Return whether a time is in working hours: Monday to Friday from 09:00 to before 17:00 in London, except on bank
    holidays in England.
    """
    local = at.astimezone(LONDON)
    return _works(local.date()) and _OFFICE[0] <= local.hour < _OFFICE[1]


def months_later(day: date, months: int) -> date:
    """
    Return the same day of the month, `months` later (or earlier if negative). If that month is too short, return its
    last day.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    lengths = (
        31,
        29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28,
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    )
    return date(year, month + 1, min(day.day, lengths[month]))


def _works(day: date) -> bool:
    return day.weekday() < 5 and day not in _BANK_HOLIDAYS


def _by_kind(table: dict[str, T], source_code: str, default: T) -> T:
    return table.get(source_code) or table.get(source_code[0]) or default
