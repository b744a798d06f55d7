"""Read a row of a statement that always returns one."""

from typing import Any, Protocol

__all__ = ["one_row"]


class _Result(Protocol):
    def fetchone(self) -> tuple[Any, ...] | None: ...


def one_row(result: _Result) -> tuple[Any, ...]:
    """Return the next row of a result. The statement must always return a row, as `SELECT count(*)` does."""
    row = result.fetchone()
    assert row is not None, "the statement always gives a row"
    return row
