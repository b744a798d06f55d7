"""Values as PostgreSQL takes them."""

import re
from collections.abc import Collection, Sequence

import msgspec

__all__ = ["as_json", "columns"]

_ZERO = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""A zero byte in JSON; after an odd number of backslashes, so the text of one is not taken for it."""


def columns(rows: Collection[Sequence], width: int = 0) -> list[list]:
    """Rows as one array for each column; without rows there are `width` empty ones."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def as_json(value: object) -> str:
    """A value as JSON, without zero bytes: PostgreSQL's text holds every character but that one."""
    text = msgspec.json.encode(value).decode()
    return _ZERO.sub(r"\1\\ufffd", text) if "\\u0000" in text else text
