"""
Convert values to the spelling that the decoder reads. Some serializers spell values in another way.

Only spellings with a single meaning are converted. A time without an offset has two possible meanings, and so has a day
with a time of day. They are not converted.
"""

import re
from datetime import date, datetime

__all__ = ["respelt", "with_whole_characters"]

_MOMENT = re.compile(rb'"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?(Z|z|[+-]\d\d(?::?\d\d)?)"')
_DAY_AT_MIDNIGHT = re.compile(rb'("\d{4}-\d\d-\d\d)[Tt ]00:00(?::00(?:\.0+)?)?(?:Z|z|[+-]\d\d:?\d\d)?"')
_WHOLE = re.compile(rb"(-?\d+)\.0+")
_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"\\(?:%s|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)" % _PAIR, re.DOTALL)


def respelt(kind: object, value: bytes) -> bytes | None:
    """Convert a time, a day or a whole number to the form that the decoder reads. Return None if this is impossible."""
    if kind is datetime:
        return _moment(value)
    if kind is date:
        found = _DAY_AT_MIDNIGHT.fullmatch(value)
        return found and found.group(1) + b'"'
    if kind is int:
        found = _WHOLE.fullmatch(value)
        return found and found.group(1)
    return None


def with_whole_characters(value: bytes) -> bytes:
    """
    Replace each lone half of a surrogate pair with U+FFFD.

    Such a half remains when a text is cut within a character.
    """
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found["half"] else found[0], value)


def _moment(value: bytes) -> bytes | None:
    """
    Write a time as RFC 3339 with seconds, and with minutes in the offset.

    A leap second is replaced by the last microsecond before it.
    """
    found = _MOMENT.fullmatch(value)
    if found is None:
        return None
    day, minutes, seconds, fraction, offset = found.groups()
    if seconds == b"60":
        seconds, fraction = b"59", b"999999"
    if len(offset) == len("+01"):
        offset += b":00"
    return b'"%sT%s:%s.%s%s"' % (day, minutes, seconds or b"00", fraction or b"0", offset)
