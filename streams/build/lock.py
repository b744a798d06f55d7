"""One at a time: whoever builds the marts, or must find them at rest, holds this lock."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from streams.lake.connect import catalog_dsn
from streams.settings import Settings

__all__ = ["KEY", "build_lock"]

KEY = 4_004
"""Key of the PostgreSQL advisory lock."""


@contextmanager
def build_lock(settings: Settings) -> Iterator[None]:
    """
    Hold the lock; whoever has it is waited for, and its connection's end frees it.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    with closing(psycopg2.connect(catalog_dsn(settings))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [KEY])
            yield
