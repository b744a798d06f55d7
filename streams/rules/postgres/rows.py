"""
Write rows as a JSON array of objects.

NULL values are left out, because an event fills only about twelve of seventy columns.
"""

from collections.abc import Iterable

import msgspec
import pyarrow as pa

__all__ = ["as_rows"]


def as_rows(rows: pa.Table, columns: Iterable[str]) -> str:
    """Return the given columns of the rows as JSON."""
    objects: list[dict[str, object]] = [{} for _ in range(rows.num_rows)]
    for name in columns:
        column = rows.column(name)
        if column.null_count == rows.num_rows:
            continue
        for one, value in zip(objects, column.to_pylist(), strict=True):
            if value is not None:
                one[name] = _written(value)
    return msgspec.json.encode(objects).decode()


def _written(value: object) -> object:
    """
    Return a value in the form that PostgreSQL reads from JSON.

    PostgreSQL cannot store a zero byte in text, so each zero byte is replaced by U+FFFD.
    """
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
