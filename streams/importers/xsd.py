"""Values as XML Schema writes them."""

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
    """A text without white space around it, and with one space wherever there is some in it."""
    return " ".join(text.split())


def day_of(text: str) -> date | None:
    """
    The day of an `xs:date` or `xs:dateTime`, as it is written: a zone moves no birthday.

    None if it is neither, or no day of the calendar.
    """
    found = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
