"""The reasons for refusing a record, and the checks that refuse it."""

import enum
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from streams.contracts.wording import in_words

__all__ = [
    "MAX_NESTING",
    "UNPARSED",
    "Reason",
    "Refusal",
    "arrival_ms",
    "arrived_at",
    "dated_fields",
    "implausible",
    "parse",
    "plausible",
    "printable",
    "readable",
    "unparsed",
]

T = TypeVar("T")

UNPARSED = (msgspec.DecodeError, UnicodeDecodeError)
"""Errors that a decoder raises for JSON that it refuses."""

MAX_NESTING = 64
"""The deepest nesting of JSON that is read. Without this limit, each reader would fail at a different depth."""


_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_PATH = re.compile(r" - at `(\$[^`]*)`$")


class Reason(enum.StrEnum):
    """Why a record is rejected."""

    NOT_JSON = "not_json"
    """The value is empty or not JSON in UTF-8."""
    ENVELOPE = "envelope"
    """The CloudEvents envelope is incomplete or wrong."""
    UNKNOWN_TYPE = "unknown_type"
    """No contract has this event type on this topic."""
    SCHEMA = "schema"
    """The data lack a field, or a field has the wrong type or form."""
    CODE_SET = "code_set"
    """A code is not in its list."""
    KEY_MISMATCH = "key_mismatch"
    """The Kafka key is not the family (or person) that the data name."""
    SAME_ID_OTHER_CONTENT = "same_id_other_content"
    """
    An earlier record of the partition had the same source and id, but other content.

    This reason is no longer used, because such records are now accepted. Records that were rejected for it can be
    replayed.
    """
    FORGED_SOURCE = "forged_source"
    """
    The record speaks for somebody else than the partner that sent it.

    It names a source that is not the partner's, or does something that only the system's own parts may do.
    """
    TOO_LARGE = "too_large"
    """The record is too long."""
    BATCH = "batch"
    """The record is a batch of events. A batch is not an error: each event is sent as a record of its own."""
    UNREADABLE_BATCH = "unreadable_batch"
    """
    The record is unreadable.

    Kafka has the record's offset, but the record's batch, or compressed data in the batch, is damaged.
    """
    DELETED_UNREAD = "deleted_unread"
    """Kafka deleted the record before it was read: its retention time was over, or somebody deleted it or its topic."""


class Refusal(Exception):
    """Carries the reason for a rejection to `decode`. No `Refusal` leaves `streams.contracts`."""

    def __init__(self, reason: Reason, path: str | None = None, allowed: str | None = None) -> None:
        self.reason, self.path, self.allowed = reason, path, allowed


def readable(value: bytes) -> None:
    """
    Refuse bad UTF-8 in members that the decoder skips, and deep nesting.

    The JSON decoder alone would accept both.
    """
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError:
            raise Refusal(Reason.NOT_JSON, allowed="JSON in UTF-8") from None
    if value.count(b"{") + value.count(b"[") > MAX_NESTING and _nesting(value) > MAX_NESTING:
        raise Refusal(Reason.TOO_LARGE, allowed=f"at most {MAX_NESTING} levels of nesting")


def _nesting(value: bytes) -> int:
    steps = (1 if bracket in b"[{" else -1 for bracket in _BRACKET.findall(_TEXT.sub(b"", value)))
    return max(accumulate(steps))


def printable(name: str, path: str) -> None:
    """Refuse names with control characters, because PostgreSQL cannot store all of them."""
    if not name.isprintable():
        raise Refusal(Reason.ENVELOPE if path.count(".") == 1 else Reason.SCHEMA, path, "printable characters")


def plausible(moment: date, *path: str) -> None:
    """Refuse a date or time that is `implausible`. The parts of `path` are joined into one path."""
    if years := implausible(moment):
        raise Refusal(Reason.SCHEMA, "".join(path), years)


def implausible(moment: date) -> str | None:
    """Return a text that names the allowed years, or None if the date or time is in one of them."""
    # Dates and times outside these years would overflow in comparisons.
    return None if 1900 <= moment.year <= 2199 else "a year from 1900 to 2199"


_LATEST_MS = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp() * 1000) - 1


def arrival_ms(timestamp: int) -> int:
    """
    Return when a record arrived (ms since 1970), from its Kafka timestamp, which may be any 64-bit number.

    If a topic does not set arrival times, the timestamp is the sender's. It may be -1 (none), before 1970, or after the
    year 9999. A timestamp that is out of range is replaced by the nearest time from 1970 to 2199, so that every reader
    can store it and all readers have the same time.
    """
    return min(max(timestamp, 0), _LATEST_MS)


def arrived_at(timestamp: int) -> datetime:
    """Return the time that `arrival_ms` gives, as a timezone-aware time."""
    return datetime.fromtimestamp(arrival_ms(timestamp) / 1000, UTC)


def dated_fields(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields that hold a date or a time."""

    def is_dated(type_: object) -> bool:
        return (isinstance(type_, type) and issubclass(type_, date)) or any(map(is_dated, get_args(type_)))

    return tuple(field.name for field in msgspec.structs.fields(struct) if is_dated(field.type))


def parse(decoder: msgspec.json.Decoder[T], value: bytes | msgspec.Raw, reason: Reason, prefix: str = "$") -> T:
    """
    Decode JSON. `prefix` is the path of the value within the record.

    Raises:
        Refusal: the value is not accepted. The refusal says where the error is and what is allowed there.
    """
    try:
        return decoder.decode(value)
    except UNPARSED as error:
        raise unparsed(error, reason, decoder.type, prefix) from None


def unparsed(error: Exception, reason: Reason, type_: object, prefix: str = "$") -> Refusal:
    """Turn an error into a refusal. The error is one of `UNPARSED`, and was raised by a decoder of `type_`."""
    if not isinstance(error, msgspec.ValidationError):
        return Refusal(Reason.NOT_JSON, prefix, "JSON in UTF-8")
    text = str(error)
    found = _PATH.search(text)
    path = found.group(1) if found else "$"
    if text.startswith("Invalid enum value"):
        return Refusal(Reason.CODE_SET, prefix + path[1:], ", ".join(_codes(type_, path)))
    return Refusal(reason, prefix + path[1:], in_words(_PATH.sub("", text)))


def _codes(type_: Any, path: str) -> Sequence[str]:
    """Return the codes that a type allows at a path such as `$`, `$.severity` or `$.factors[...]`."""
    if name := re.split(r"[.\[]", path.removeprefix("$").removeprefix("."))[0]:
        return _codes(next(field.type for field in msgspec.structs.fields(type_) if field.name == name), "$")
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return [member.value for member in type_]
    if get_origin(type_) is Literal:
        return get_args(type_)
    return next(filter(None, (_codes(inner, "$") for inner in get_args(type_))), ())
