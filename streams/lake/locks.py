"""
Who may write to the landing lake: a PostgreSQL advisory lock for each partition number, and one for maintenance.

Locks belong to a connection, so a killed process frees them at once.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psycopg2
import structlog

from streams.errors import LakeUnavailable, LockTaken
from streams.lake.connect import catalog_dsn
from streams.settings import Settings

__all__ = ["LandingLocks"]

log = structlog.get_logger()

_PARTITIONS = 4_002
"""First key of the partition locks; the partition's number is the second."""
_MAINTENANCE = 4_003
"""Key of the lock that maintenance holds; whoever lands gives way to it between batches."""
_PAUSE_SECONDS = 0.2
_KEEPALIVE = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


class LandingLocks:
    """
    The locks of some partition numbers, held by one connection.

    Raises:
        LakeUnavailable: PostgreSQL does not answer, now or later; what was held is lost then.
    """

    def __init__(self, settings: Settings, partitions: Iterable[int]) -> None:
        self._partitions = sorted(partitions)
        self._connection = _connect(catalog_dsn(settings))

    def acquire(self, keep_waiting: Callable[[], bool] = lambda: True) -> bool:
        """
        Take all locks, as a standby waits for as long as another process holds one.

        Returns:
            Whether they were taken; False when `keep_waiting` said no.
        """
        waiting = False
        while not self._try_acquire():
            if not waiting:
                log.info("landing_waits_for_locks", partitions=len(self._partitions))
                waiting = True
            if not keep_waiting():
                return False
            time.sleep(_PAUSE_SECONDS)
        return True

    def maintenance_waits(self) -> bool:
        """Whether maintenance asks for the locks; also proves that the connection, and so the locks, still stand."""
        if self._ask("SELECT pg_try_advisory_lock_shared(%s)", _MAINTENANCE):
            self._ask("SELECT pg_advisory_unlock_shared(%s)", _MAINTENANCE)
            return False
        return True

    def release(self) -> None:
        """Give the locks back and stay connected."""
        self._ask("SELECT pg_advisory_unlock_all() IS NULL")

    def acquire_for_maintenance(self, patience: float) -> None:
        """
        Ask the lander for its locks and take them.

        Raises:
            LockTaken: they were not handed over within `patience` seconds, or maintenance runs already.
        """
        if not self._ask("SELECT pg_try_advisory_lock(%s)", _MAINTENANCE):
            raise LockTaken("maintenance of the lake runs already; wait for its end")
        deadline = time.monotonic() + patience
        if not self.acquire(lambda: time.monotonic() < deadline):
            raise LockTaken(f"the lander did not hand its locks over within {patience:.0f} s; see its log")

    def close(self) -> None:
        """Give everything back."""
        with suppress(psycopg2.Error):
            self._connection.close()

    def _try_acquire(self) -> bool:
        for count, partition in enumerate(self._partitions):
            if not self._ask("SELECT pg_try_advisory_lock(%s, %s)", _PARTITIONS, partition):
                for taken in self._partitions[:count]:
                    self._ask("SELECT pg_advisory_unlock(%s, %s)", _PARTITIONS, taken)
                return False
        return True

    def _ask(self, statement: str, *values: int) -> bool:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values)
                return bool(cursor.fetchone()[0])
        except psycopg2.Error as error:
            raise LakeUnavailable(f"the landing locks are lost: {type(error).__name__}") from None


def _connect(dsn: str) -> psycopg2.extensions.connection:
    try:
        connection = psycopg2.connect(dsn, connect_timeout=10, **_KEEPALIVE)
    except psycopg2.OperationalError as error:
        raise LakeUnavailable(f"the landing locks cannot be asked for: {type(error).__name__}") from None
    connection.autocommit = True
    return connection
