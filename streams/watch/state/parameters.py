"""Values as PostgreSQL takes them."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import msgspec

__all__ = ["as_json", "columns", "naive"]


def columns(rows: Collection[Sequence], width: int = 0) -> list[list]:
    """Rows as one array for each column; without rows there are `width` empty ones."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def as_json(value: object) -> str:
    """A value as JSON, without zero bytes: PostgreSQL's text holds every character but that one."""
    return msgspec.json.encode(value).decode().replace("\\u0000", "\\ufffd")


def naive(moment: datetime) -> datetime:
    """An aware moment in UTC, without its zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
