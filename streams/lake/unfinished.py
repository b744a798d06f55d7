"""
Keep everybody out of a lake that a restore has not finished.

Such a lake may still hold what was erased after its backup was made, and may lack what the broker still has. So the
restore marks the database in the transaction in which it loads the catalogs, and removes the mark when all is done.
Until then, no other process opens the lake.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2.extensions

from streams.errors import LakeUnavailable
from streams.lake.one_row import one_row

__all__ = ["forget_mark", "is_marked", "mark", "refuse_unfinished", "restoring"]

_SCHEMA = "caf_restoring"
_here: list[None] = []
"""Has an entry for each restore that this process carries out."""


@contextmanager
def restoring() -> Iterator[None]:
    """Let this process open a lake that is not finished, because it finishes it."""
    _here.append(None)
    try:
        yield
    finally:
        _here.pop()


def mark(cursor: psycopg2.extensions.cursor, command: str) -> None:
    """Mark a database. `command` is the command that finishes the restore."""
    cursor.execute(f"CREATE SCHEMA {_SCHEMA}")
    cursor.execute(f"CREATE TABLE {_SCHEMA}.command AS SELECT %s AS command", [command])


def is_marked(cursor: psycopg2.extensions.cursor) -> bool:
    """Return whether a restore has filled this database and has not finished."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{_SCHEMA}.command"])
    return bool(one_row(cursor)[0])


def forget_mark(cursor: psycopg2.extensions.cursor) -> None:
    """Open the lake to everybody."""
    cursor.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")


def refuse_unfinished(cursor: psycopg2.extensions.cursor) -> None:
    """
    Check that the lake is finished, or that this process finishes it.

    Raises:
        LakeUnavailable: it is not. The message names the command that finishes it.
    """
    if not _here and is_marked(cursor):
        cursor.execute(f"SELECT command FROM {_SCHEMA}.command")
        raise LakeUnavailable(f"the lake was restored only in part; finish this with: {one_row(cursor)[0]}")
