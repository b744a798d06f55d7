"""Rows that travel as a JSON array of objects."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import pyarrow as pa

__all__ = ["Rows", "as_rows"]


class Rows(NamedTuple):
    """Rows as JSON, without what is NULL: of seventy columns an event fills a dozen."""

    text: str
    count: int


def as_rows(rows: pa.Table, columns: Iterable[str]) -> Rows:
    """Some columns of the rows."""
    objects: list[dict[str, object]] = [{} for _ in range(rows.num_rows)]
    for name in columns:
        column = rows.column(name)
        if column.null_count == rows.num_rows:
            continue
        for one, value in zip(objects, column.to_pylist(), strict=True):
            if value is not None:
                one[name] = _written(value)
    return Rows(msgspec.json.encode(objects).decode(), rows.num_rows)


def _written(value: object) -> object:
    """A value as PostgreSQL reads it from JSON; text may hold every character but the one of a zero byte."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
