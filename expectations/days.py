"""
Finds out with which days a day can be compared: which weekdays it resembles, and whether schools are open.

The calendars are the seeds that the models read as well: England's bank holidays, and the school terms that apply to
all authorities (`*`).
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from streams.settings import PROJECT
from streams.times import LONDON, aware

__all__ = ["Hour", "hours", "is_ordinary", "is_school_day", "like_weekdays"]

_SEEDS = PROJECT / "dbt_project" / "seeds"
_DAY = timedelta(days=1)
_MONDAY, _SATURDAY, _SUNDAY = 0, 5, 6
_DECEMBER, _CHRISTMAS_EVE = 12, 24


@dataclass(frozen=True)
class Hour:
    """One hour: its start (in UTC, without a zone), and its day and hour in London."""

    starts_at: datetime
    day: date
    local_hour: int

    @property
    def kind(self) -> str:
        """
        The kind of the day: `closed` (weekend or bank holiday), `school`, or `open` (a working day on which schools are
        closed).
        """
        if _is_closed(self.day):
            return "closed"
        return "school" if is_school_day(self.day) else "open"


def hours(since: datetime, until: datetime) -> Iterator[Hour]:
    """
    Yield each hour of a range. The range begins and ends on a full hour (UTC without a zone). A day with a clock change
    has 23 or 25 hours.
    """
    while since < until:
        local = aware(since).astimezone(LONDON)
        yield Hour(since, local.date(), local.hour)
        since += timedelta(hours=1)


def like_weekdays(day: date) -> tuple[int, ...]:
    """
    Return the weekdays (Monday is 0) that a day may resemble in its number of events. The number may be that of any of
    these weekdays, or between two of them. A bank holiday resembles a weekend. The first working day after a bank
    holiday may be as busy as a Monday. Between Christmas and New Year, some desks are open and others are closed.
    """
    if day in _bank_holidays():
        return _SATURDAY, _SUNDAY
    if day.weekday() >= _SATURDAY:
        return (day.weekday(),)
    if day.month == _DECEMBER and day.day >= _CHRISTMAS_EVE:
        return day.weekday(), _MONDAY, _SATURDAY, _SUNDAY
    return (day.weekday(), _MONDAY) if _is_closed(day - _DAY) else (day.weekday(),)


def is_ordinary(day: date) -> bool:
    """
    Return whether a day resembles other days of its weekday. Only such days show how many events the weekday usually
    has.
    """
    return set(like_weekdays(day)) == {day.weekday()}


def is_school_day(day: date) -> bool:
    """
    Return whether schools are open. If the terms of that year are not known, every working day counts as a
    school day.
    """
    terms = _terms(_SEEDS / "school_terms.csv")
    is_known = terms[0][0] <= day <= terms[-1][1]
    return not _is_closed(day) and (not is_known or any(first <= day <= last for first, last in terms))


def _is_closed(day: date) -> bool:
    return day.weekday() >= _SATURDAY or day in _bank_holidays()


@cache
def _bank_holidays() -> frozenset[date]:
    with (_SEEDS / "working_calendar.csv").open(newline="") as file:
        return frozenset(date.fromisoformat(row["holiday_on"]) for row in csv.DictReader(file))


@cache
def _terms(file: Path) -> list[tuple[date, date]]:
    with file.open(newline="") as rows:
        found = [row for row in csv.DictReader(rows) if row["authority_code"] == "*"]
    return sorted((date.fromisoformat(row["starts_on"]), date.fromisoformat(row["ends_on"])) for row in found)
