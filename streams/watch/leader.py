"""One active watcher: whoever holds a PostgreSQL advisory lock; any other waits as a warm standby."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2
import structlog

from streams.errors import LakeUnavailable, LockTaken
from streams.settings import Settings
from streams.stack import postgres

__all__ = ["Leadership"]

log = structlog.get_logger()

_LOCK = 3_001
"""Key of the advisory lock, in the database that holds the catalogs."""

_KEEPALIVE = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


class Leadership:
    """The lock, held by a connection: when the process or the connection ends, the lock is free."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: psycopg2.extensions.connection | None = None

    def try_acquire(self) -> bool:
        """
        Take the lock if nobody has it.

        Raises:
            LakeUnavailable: PostgreSQL does not answer.
        """
        try:
            if self._connection is None:
                dsn = postgres.server(self._settings).dsn(self._settings.database)
                self._connection = psycopg2.connect(dsn, connect_timeout=10, **_KEEPALIVE)
                self._connection.autocommit = True
            return self._ask("SELECT pg_try_advisory_lock(%s)", _LOCK)
        except psycopg2.Error as error:
            self.release()
            raise LakeUnavailable(f"the leader lock cannot be asked for: {type(error).__name__}") from error

    def held(self) -> bool:
        """Whether the connection that holds the lock still stands."""
        try:
            return self._connection is not None and self._ask("SELECT %s = 1", 1)
        except psycopg2.Error:
            return False

    @contextmanager
    def holding(self, lock: int) -> Iterator[bool]:
        """
        Another lock, if nobody else has it, for a while; tells whether it is held.

        Raises:
            LockTaken: the connection, and with it the leader lock, is lost.
        """
        try:
            is_held = self._connection is not None and self._ask("SELECT pg_try_advisory_lock(%s)", lock)
        except psycopg2.Error:
            raise LockTaken("the watcher has lost its leader lock; another one may be active") from None
        try:
            yield is_held
        finally:
            if is_held:
                with suppress(psycopg2.Error):
                    self._ask("SELECT pg_advisory_unlock(%s)", lock)

    def release(self) -> None:
        """Give the lock back."""
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._connection.close()
            self._connection = None

    def _ask(self, statement: str, value: int) -> bool:
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            cursor.execute(statement, [value])
            return bool(cursor.fetchone()[0])
