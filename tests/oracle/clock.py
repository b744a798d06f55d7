"""London dates, clock times and months. Instants are timezone-aware and in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from tests.oracle.profile import Profile

__all__ = [
    "LONDON",
    "after_working_days",
    "birthday",
    "is_bank_holiday",
    "is_working_time",
    "london_day",
    "london_time",
    "midnight",
    "months_before",
]

LONDON = ZoneInfo("Europe/London")

_BANK_HOLIDAYS = holidays.country_holidays("GB", subdiv="ENG")
_SATURDAY = 5


def london_day(at: datetime) -> date:
    """The date in London at an instant."""
    return at.astimezone(LONDON).date()


def london_time(day: date, clock: time) -> datetime:
    """The instant of this clock time on this day in London."""
    return _instant(datetime.combine(day, clock))


def midnight(day: date) -> datetime:
    """The instant at which a date begins in London."""
    return london_time(day, time(0))


def is_bank_holiday(day: date) -> bool:
    """Whether a day is a bank holiday in England."""
    return day in _BANK_HOLIDAYS


def is_working_time(at: datetime, profile: Profile) -> bool:
    """
    Whether an instant lies in the profile's working hours: London time, Monday to Friday, no bank holiday in England.
    """
    clock = at.astimezone(LONDON).time()
    return _is_worked(london_day(at)) and profile.working_day_starts <= clock < profile.working_day_ends


def months_before(at: datetime, months: int) -> datetime:
    """
    The same London clock time the given number of calendar months earlier.

    If the earlier month lacks the day, the last day of that month is used.
    """
    local = at.astimezone(LONDON).replace(tzinfo=None)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    return _instant(local.replace(year=year, month=month + 1, day=min(local.day, _days(year, month + 1))))


def after_working_days(at: datetime, days: int, profile: Profile) -> datetime:
    """
    The instant at which the working hours of the given number of days have passed.

    If that instant is the end of a working day, the result is that end, not the start of the next day.
    """
    day = london_day(at)
    left = days * (_ends(day, profile) - _starts(day, profile))
    while True:
        if _is_worked(day):
            begins = max(at, _starts(day, profile))
            worked = max(_ends(day, profile) - begins, timedelta(0))
            if worked >= left:
                return begins + left
            left -= worked
        day += timedelta(days=1)


def birthday(born: date, age: int) -> date:
    """
    The day on which a person reaches an age.

    A person born on 29 February reaches the age on 1 March if the year has no 29 February.
    """
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def _is_worked(day: date) -> bool:
    return day.weekday() < _SATURDAY and not is_bank_holiday(day)


def _starts(day: date, profile: Profile) -> datetime:
    return london_time(day, profile.working_day_starts)


def _ends(day: date, profile: Profile) -> datetime:
    return london_time(day, profile.working_day_ends)


def _days(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day


def _instant(local: datetime) -> datetime:
    """
    Convert a London clock time to an instant.

    If the clock time occurs twice on that day, the first occurrence is meant. If the clocks skip the time, it is
    converted with the offset before the clock change.
    """
    return local.replace(tzinfo=LONDON, fold=0).astimezone(UTC)
