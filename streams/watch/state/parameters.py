"""Converts values for PostgreSQL."""

import re
from collections.abc import Collection, Sequence

import msgspec

__all__ = ["as_json", "columns"]

_ZERO = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""A zero byte in JSON: an odd number of backslashes before `u0000`. After an even number, that is ordinary text."""


def columns(rows: Collection[Sequence[object]], width: int = 0) -> list[list[object]]:
    """Turn rows into one array for each column; without rows, into `width` empty arrays."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def as_json(value: object) -> str:
    """A value as JSON. Zero bytes are replaced, because PostgreSQL's text can hold every character except that one."""
    text = msgspec.json.encode(value).decode()
    return _ZERO.sub(r"\1\\ufffd", text) if "\\u0000" in text else text
