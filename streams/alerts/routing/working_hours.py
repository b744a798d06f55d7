"""Decides whether a time is in an authority's working hours: the hours of its practice profile, on working days."""

import csv
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import NamedTuple

from streams.rules.compiled import DBT_PROJECT
from streams.times import LONDON

__all__ = ["is_working_hours", "profile_authority"]

_CALENDAR = DBT_PROJECT / "seeds" / "working_calendar.csv"
_PROFILES = DBT_PROJECT / "seeds" / "practice_profiles.csv"
_DEFAULT = "*"
_SATURDAY = 5


class _Hours(NamedTuple):
    """The working hours of a practice profile. The fields are in this order so that `max` finds the newest profile."""

    effective_from: date
    profile_version: str
    authority_code: str
    starts: time
    ends: time


def is_working_hours(moment: datetime, authority: str, profiles: Path = _PROFILES) -> bool:
    """
    Return whether an authority's desks are staffed at a timezone-aware time.

    Desks are staffed in the profile's hours, Monday to Friday, except on English bank holidays. The calendar has bank
    holidays only for some years.
    """
    local = moment.astimezone(LONDON)
    if local.weekday() >= _SATURDAY or local.date() in _holidays(_CALENDAR):
        return False
    hours = _in_force(_hours(profiles), authority, local.date())
    return hours.starts <= local.time() < hours.ends


def profile_authority(profile_version: str, profiles: Path = _PROFILES) -> str:
    """
    Return the authority that a profile belongs to.

    `*` stands for the default profile, which applies to all authorities without a profile of their own.
    """
    owners = {hours.profile_version: hours.authority_code for hours in _hours(profiles)}
    return owners.get(profile_version, _DEFAULT)


def _in_force(hours: tuple[_Hours, ...], authority: str, day: date) -> _Hours:
    """Return an authority's hours in force on a day, or the default hours if it has none of its own yet."""
    begun = [each for each in hours if each.effective_from <= day]
    own = [each for each in begun if each.authority_code == authority]
    return max(own or [each for each in begun if each.authority_code == _DEFAULT])


@cache
def _hours(profiles: Path) -> tuple[_Hours, ...]:
    with profiles.open(newline="") as file:
        return tuple(map(_read, csv.DictReader(file)))


def _read(line: dict[str, str]) -> _Hours:
    return _Hours(
        date.fromisoformat(line["effective_from"]),
        line["profile_version"],
        line["authority_code"],
        time.fromisoformat(line["working_day_starts"]),
        time.fromisoformat(line["working_day_ends"]),
    )


@cache
def _holidays(calendar: Path) -> frozenset[date]:
    with calendar.open(newline="") as file:
        return frozenset(date.fromisoformat(line["holiday_on"]) for line in csv.DictReader(file))
