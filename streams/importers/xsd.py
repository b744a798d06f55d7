"""Read values in the notation of XML Schema."""

import re
from datetime import date

__all__ = ["collapsed", "day_of"]

_DAY = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)?"
    r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?",
    re.ASCII,
)


def collapsed(text: str) -> str:
    """Remove white space around a text, and replace any white space within it by one space."""
    return " ".join(text.split())


def day_of(text: str) -> date | None:
    """
    Read the day of an `xs:date` or `xs:dateTime` as it is written. A time zone in the text does not change the day.

    The result is None if the text has neither form, or if there is no such day in the calendar.
    """
    found = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
