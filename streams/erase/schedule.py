"""
The retention schedule: how long the records of a family are kept.

It is the table `retention.csv`, or the file that the setting `retention` names. It has one line for each possible
highest level of need. 0 is for families without a recorded level.
"""

import hashlib
from datetime import date
from pathlib import Path

import msgspec

from streams.edited_table import edited_table
from streams.errors import RetentionInvalid
from streams.settings import Settings

__all__ = ["FILE", "NO_LEVEL", "STATUTORY", "Period", "digest", "schedule"]

FILE = Path(__file__).with_name("retention.csv")

NO_LEVEL = 0
"""The level of families for which no level was recorded."""
STATUTORY = 4
"""The level of statutory social care. A child who became looked after has it, whatever level was recorded."""

_LEVELS = range(STATUTORY + 1)
_YEARS = range(121)


class Period(msgspec.Struct, frozen=True):
    """
    How long records are kept: until the youngest person reaches an age, and for some years after the last record,
    whichever is later.
    """

    highest_level: int
    until_age: int
    years_after_last: int
    source: str

    def ends_on(self, youngest_born: date, last: date) -> date:
        """Return the first day on which the records no longer need to be kept."""
        return max(_years_later(youngest_born, self.until_age), _years_later(last, self.years_after_last))


def schedule(settings: Settings) -> dict[int, Period]:
    """
    Return the period for each highest level of need.

    Raises:
        RetentionInvalid: the file cannot be read, or a line has a value that is not allowed.
    """
    file = _file(settings)
    lines = edited_table(file, Period.__struct_fields__, RetentionInvalid, "CAF_RETENTION")
    found = [_period(row, where) for where, row in lines]
    if sorted(one.highest_level for one in found) != list(_LEVELS):
        raise RetentionInvalid(f"{file}: there must be exactly one line for each highest level from 0 to {STATUTORY}")
    return {one.highest_level: one for one in found}


def digest(settings: Settings) -> str:
    """Return a checksum of the schedule. A request says with which schedule it was made."""
    periods = sorted(schedule(settings).items())
    return hashlib.blake2b(msgspec.json.encode(periods), digest_size=8).hexdigest()


def _file(settings: Settings) -> Path:
    return Path(settings.retention) if settings.retention else FILE


def _period(row: dict[str, str], where: str) -> Period:
    try:
        period = msgspec.convert(row, Period, strict=False)
    except msgspec.ValidationError as error:
        raise RetentionInvalid(f"{where}: {error}") from None
    if period.until_age not in _YEARS or period.years_after_last not in _YEARS:
        raise RetentionInvalid(f"{where}: ages and years must be between 0 and {_YEARS[-1]}")
    if not period.source.strip():
        raise RetentionInvalid(f"{where}: no source is given; say who decided this period, and on which ground")
    return period


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February, or after the year 9999
        return date(day.year + years, 3, 1) if day.year + years <= date.max.year else date.max
