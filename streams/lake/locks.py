"""Locks for writing to the landing catalog: one for each partition number, and one for maintenance."""

import time
from collections.abc import Callable, Iterable

import structlog

from streams.errors import LockTaken
from streams.lake.advisory import LockSession
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["LandingLocks"]

log = structlog.get_logger()

_PAUSE_SECONDS = 0.2


class LandingLocks:
    """
    The locks of some partition numbers, all held by one session.

    Args:
        is_lease: see `LockSession`. Use a lease only if writes are refused once the locks are lost.

    Raises:
        LakeUnavailable: PostgreSQL does not answer. All locks are then lost, and every later call raises this error.
        SettingInvalid: PostgreSQL is reached through a pooler that shares sessions between clients.
    """

    def __init__(self, settings: Settings, partitions: Iterable[int], *, is_lease: bool = False) -> None:
        self._partitions = sorted(partitions)
        self._session = LockSession(settings, "land", is_lease=is_lease)

    def acquire(self, keep_waiting: Callable[[], bool] = lambda: True) -> bool:
        """
        Take all locks. If another process holds one of them, wait as a standby.

        Returns:
            True if all locks were taken; False if `keep_waiting` returned False.
        """
        waiting = False
        while (taken_by_others := self._first_not_taken()) is not None:
            if not waiting:
                holder = self._session.holder(LockKey.PARTITIONS, taken_by_others)
                log.info("landing_waits_for_locks", partitions=len(self._partitions), holder=holder)
                waiting = True
            if not keep_waiting():
                return False
            time.sleep(_PAUSE_SECONDS)
        return True

    def maintenance_waits(self) -> bool:
        """
        Return whether maintenance is waiting for the locks. The query also proves that this session still has its
        locks.
        """
        if self._session.ask("pg_try_advisory_lock_shared(%s)", LockKey.MAINTENANCE):
            self._session.ask("pg_advisory_unlock_shared(%s)", LockKey.MAINTENANCE)
            return False
        return True

    def release(self) -> None:
        """Release all locks and stay connected."""
        self._session.ask("pg_advisory_unlock_all() IS NULL")

    def acquire_for_maintenance(self, patience: float) -> None:
        """
        Ask the lander for its locks and take them.

        Raises:
            LockTaken: the lander did not hand the locks over within `patience` seconds, or maintenance is already
                running.
        """
        if not self._session.try_lock(LockKey.MAINTENANCE):
            holder = self._session.holder(LockKey.MAINTENANCE)
            raise LockTaken(f"maintenance of the lake is already running ({holder}); wait until it has ended")
        deadline = time.monotonic() + patience
        if not self.acquire(lambda: time.monotonic() < deadline):
            raise LockTaken(f"the lander did not hand its locks over within {patience:.0f} s; see its log")

    def close(self) -> None:
        """End the session and so release all locks."""
        self._session.close()

    def _first_not_taken(self) -> int | None:
        """Take all locks or none. If another process holds one, return its partition number; otherwise return None."""
        for count, partition in enumerate(self._partitions):
            if not self._session.try_lock(LockKey.PARTITIONS, partition):
                for taken in self._partitions[:count]:
                    self._session.unlock(LockKey.PARTITIONS, taken)
                return partition
        return None
