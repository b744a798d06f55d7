"""Rows that travel as JSON arrays of objects."""

from collections.abc import Iterable

import msgspec
import pyarrow as pa

__all__ = ["as_json"]


def as_json(rows: pa.Table, columns: Iterable[str]) -> str:
    """Some columns of the rows, without what is NULL: of seventy columns an event fills a dozen."""
    objects: list[dict[str, object]] = [{} for _ in range(rows.num_rows)]
    for name in columns:
        column = rows.column(name)
        if column.null_count == rows.num_rows:
            continue
        is_binary = pa.types.is_binary(column.type)
        for one, value in zip(objects, column.to_pylist(), strict=True):
            if value is not None:
                one[name] = f"\\x{value.hex()}" if is_binary else value
    return msgspec.json.encode(objects).decode()
