"""The row of a statement that always gives one."""

from typing import Any, Protocol

__all__ = ["one_row"]


class _Result(Protocol):
    def fetchone(self) -> tuple[Any, ...] | None: ...


def one_row(result: _Result) -> tuple[Any, ...]:
    """The next row of a result, for statements that always give one, such as `SELECT count(*)`."""
    row = result.fetchone()
    assert row is not None, "the statement always gives a row"
    return row
