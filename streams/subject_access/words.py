"""The words and texts of the answer to a request for access."""

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from streams.contracts.codesets import Code
from streams.contracts.describe import describe
from streams.contracts.event import event_types

__all__ = ["Texts", "label", "plain", "texts", "title", "written"]


class _Information(msgspec.Struct, frozen=True):
    heading: str
    text: str


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What an answer says besides the records.

    Attributes:
        information: what every subject is told. It is the same for everybody.
        checks: what the officer must check before anything is handed over.
        not_included: what the answer does not contain. Other copies of the listed records are not listed again.
    """

    information: list[_Information]
    checks: list[str]
    not_included: list[str]


@cache
def texts() -> Texts:
    """Return the texts of `texts.yaml`."""
    return msgspec.convert(yaml.safe_load(_FILE.read_text()), Texts)


_FILE = Path(__file__).with_name("texts.yaml")
_TITLES = {
    "person-recorded": "What is recorded about the person",
    "persons-linked": "Two identifiers that are the same person",
    "custody-release-planned": "A planned release from custody",
    "outcome-recorded": "An outcome that was measured",
}


def title(record: str) -> str:
    """Return a heading for a kind of record."""
    return _TITLES.get(record, record.replace("-", " ").replace("_", " ").capitalize())


def label(field: str) -> str:
    """Return the name of a field in words."""
    words = field.removeprefix("is_").replace("_", " ")
    return words[0].upper() + words[1:]


def written(field: str, value: Any) -> str:
    """Return a value in words: dates as people write them, and codes with their meaning."""
    if isinstance(value, list):
        return "; ".join(written(field, one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {written(name, one)}" for name, one in value.items() if one is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return f"{value:%d %B %Y, %H:%M:%S} UTC" if isinstance(value, datetime) else f"{value:%d %B %Y}"
    codes = _codes().get(field)
    return f"{codes(value).meaning} ({value})" if codes and value in set(codes) else str(plain(value))


def plain(value: object) -> object:
    """Return a value in a form that JSON has."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else value


@cache
def _codes() -> dict[str, type[Code]]:
    """Return the code list of each field that has one."""
    fields = (field for struct in event_types().values() for field in msgspec.structs.fields(struct))
    return {field.name: codes for field in fields if (codes := describe(field).codes)}
