"""One at a time, over all processes of a lake: a PostgreSQL advisory lock that is waited for."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from streams.lake.connect import catalog_dsn
from streams.settings import Settings

__all__ = ["advisory_lock"]


@contextmanager
def advisory_lock(settings: Settings, key: int) -> Iterator[None]:
    """
    Hold the lock of a key; whoever has it is waited for, and its connection's end frees it.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    with closing(psycopg2.connect(catalog_dsn(settings))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [key])
            yield
