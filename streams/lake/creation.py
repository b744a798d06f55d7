"""The lock under which a process creates what the lake's database lacks, or changes its settings and rights."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2.extensions

from streams.lake.lock_keys import LockKey

__all__ = ["alone_in_creation"]


@contextmanager
def alone_in_creation(cursor: psycopg2.extensions.cursor) -> Iterator[None]:
    """
    Let no other process create or change anything in the lake's database until the block ends.

    Args:
        cursor: a cursor of an autocommit connection.

    Raises:
        InsufficientPrivilege: this user of PostgreSQL may take no locks in this database.
    """
    cursor.execute("SELECT pg_advisory_lock(%s)", [LockKey.CREATION])
    try:
        yield
    finally:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LockKey.CREATION])
