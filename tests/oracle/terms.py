"""Days on which schools are open, from the same calendar that the rules read."""

import csv
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from tests.oracle.clock import is_bank_holiday, london_day, london_time
from tests.oracle.profile import Profile
from tests.oracle.records import AUTHORITY

__all__ = ["next_school_day"]

_SEED = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "school_terms.csv"
_SATURDAY = 5


def next_school_day(at: datetime, profile: Profile) -> datetime:
    """The next start of a school day after an instant. The school day can start later on the same day."""
    day = london_day(at)
    while not (_is_open(day) and london_time(day, profile.school_starts) > at):
        day += timedelta(days=1)
    return london_time(day, profile.school_starts)


def _is_open(day: date) -> bool:
    """
    Whether schools are open on a date: a weekday in term that is not a bank holiday.

    If the calendar has no terms for the date yet, every weekday that is not a bank holiday counts as a school day.
    """
    if day.weekday() >= _SATURDAY or is_bank_holiday(day):
        return False
    terms = _terms()
    is_known = min(terms)[0] <= day <= max(last for _, last in terms)
    return not is_known or any(first <= day <= last for first, last in terms)


@cache
def _terms() -> list[tuple[date, date]]:
    with _SEED.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["authority_code"] == AUTHORITY]
    return [(date.fromisoformat(row["starts_on"]), date.fromisoformat(row["ends_on"])) for row in rows]
