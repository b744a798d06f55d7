"""Converts values for PostgreSQL."""

import re
from collections.abc import Collection, Sequence

import msgspec

__all__ = ["as_json", "columns"]

_ZERO = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""
Matches a zero byte in JSON: `u0000` after an odd number of backslashes. After an even number, it is ordinary
text.
"""


def columns(rows: Collection[Sequence[object]], width: int = 0) -> list[list[object]]:
    """Turn rows into one array for each column. Without rows, return `width` empty arrays."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def as_json(value: object) -> str:
    """Return a value as JSON without zero bytes, which PostgreSQL cannot store in text. Each is replaced by U+FFFD."""
    text = msgspec.json.encode(value).decode()
    return _ZERO.sub(r"\1\\ufffd", text) if "\\u0000" in text else text
