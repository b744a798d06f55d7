"""Read the rows of a query's result one after another."""

from collections.abc import Iterator
from typing import Any

import duckdb

__all__ = ["each_named_row", "each_row"]

_AT_ONCE = 1_000


def each_row(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a result. Only a thousand of them are in memory at the same time."""
    while rows := found.fetchmany(_AT_ONCE):
        yield from rows


def each_named_row(found: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """Yield the rows of a result, each by the names of its columns. Few of them are in memory, as in `each_row`."""
    names = [column[0] for column in found.description]
    yield from (dict(zip(names, row, strict=True)) for row in each_row(found))
