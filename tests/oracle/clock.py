"""Days and months as they are counted in London; instants are aware and in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

__all__ = ["LONDON", "after_working_days", "birthday", "london_day", "months_before"]

LONDON = ZoneInfo("Europe/London")

_BANK_HOLIDAYS = holidays.country_holidays("GB", subdiv="ENG")
_OPENS, _CLOSES = time(9), time(17)
_SATURDAY = 5


def london_day(at: datetime) -> date:
    """The day it is in London."""
    return at.astimezone(LONDON).date()


def months_before(at: datetime, months: int) -> datetime:
    """The same London clock time so many calendar months earlier; the last of the month if it has no such day."""
    local = at.astimezone(LONDON).replace(tzinfo=None)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    return _instant(local.replace(year=year, month=month + 1, day=min(local.day, _days(year, month + 1))))


def after_working_days(at: datetime, days: int) -> datetime:
    """When so many working days of eight hours have passed; one that ends with its day ends at 17:00."""
    left, day = days * timedelta(hours=8), london_day(at)
    while True:
        if day.weekday() < _SATURDAY and day not in _BANK_HOLIDAYS:
            begins = max(at, _instant(datetime.combine(day, _OPENS)))
            worked = max(_instant(datetime.combine(day, _CLOSES)) - begins, timedelta(0))
            if worked >= left:
                return begins + left
            left -= worked
        day += timedelta(days=1)


def birthday(born: date, age: int) -> date:
    """The day on which an age is reached: 1 March for somebody born on 29 February, if the year has none."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def _days(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day


def _instant(local: datetime) -> datetime:
    """A clock time that comes twice is the first; one that is skipped is read on the clock before the change."""
    return local.replace(tzinfo=LONDON, fold=0).astimezone(UTC)
