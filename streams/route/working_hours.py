"""Whether a moment lies in working hours: Monday to Friday, 09:00 ≤ London time < 17:00, no bank holiday in England."""

import csv
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from streams.names import TIME_ZONE
from streams.rules.compiled import DBT_PROJECT

__all__ = ["is_working_hours"]

_CALENDAR = DBT_PROJECT / "seeds" / "working_calendar.csv"
_FIRST_HOUR, _LAST_HOUR = 9, 17
_SATURDAY = 5


def is_working_hours(moment: datetime) -> bool:
    """Whether desks are staffed at an aware moment; bank holidays are known for the years of the calendar."""
    local = moment.astimezone(ZoneInfo(TIME_ZONE))
    is_working_day = local.weekday() < _SATURDAY and local.date() not in _holidays(_CALENDAR)
    return is_working_day and _FIRST_HOUR <= local.hour < _LAST_HOUR


@cache
def _holidays(calendar: Path) -> frozenset[date]:
    with calendar.open(newline="") as file:
        return frozenset(date.fromisoformat(line["holiday_on"]) for line in csv.DictReader(file))
