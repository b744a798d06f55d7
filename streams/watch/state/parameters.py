"""Converts values for PostgreSQL."""

import re
from collections.abc import Collection, Sequence

import msgspec

__all__ = ["as_json", "columns"]

_ZERO = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""Matches a zero byte in JSON: an odd number of backslashes before `u0000`. An even number makes it ordinary text."""


def columns(rows: Collection[Sequence[object]], width: int = 0) -> list[list[object]]:
    """Turn rows into one array for each column. Without rows, return `width` empty arrays."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def as_json(value: object) -> str:
    """Return a value as JSON. Zero bytes are replaced, because PostgreSQL's text can hold every other character."""
    text = msgspec.json.encode(value).decode()
    return _ZERO.sub(r"\1\\ufffd", text) if "\\u0000" in text else text
