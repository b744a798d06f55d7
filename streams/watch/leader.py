"""
The leader lock. The watcher that holds it leads, and all other watchers wait as standbys.

The lock is an advisory lock in PostgreSQL.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from streams.errors import LakeUnavailable, LockTaken
from streams.lake.advisory import HeldLock, LockSession
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["Leadership"]


class Leadership:
    """The leader lock. It belongs to a database session, so it becomes free when the session or the process ends."""

    def __init__(self, settings: Settings, alive: Callable[[], bool] = lambda: True) -> None:
        """
        Create the object. It takes no lock yet.

        Args:
            alive: see `LockSession`.
        """
        self._settings, self._alive = settings, alive
        self._session: LockSession | None = None

    def try_acquire(self) -> bool:
        """
        Take the lock if no other watcher holds it.

        Raises:
            LakeUnavailable: PostgreSQL does not answer.
            SettingInvalid: PostgreSQL is reached through a pooler that shares sessions between clients.
        """
        try:
            if self._session is None:
                self._session = LockSession(self._settings, "watch", is_lease=True, alive=self._alive)
            return self._session.try_lock(LockKey.LEADER)
        except LakeUnavailable:
            self.release()
            raise

    @property
    def lock(self) -> HeldLock:
        """The leader lock, which `try_acquire` must have taken."""
        assert self._session is not None
        return HeldLock(self._session, LockKey.LEADER)

    @contextmanager
    def holding(self, key: LockKey) -> Iterator[HeldLock | None]:
        """
        Hold another lock during the block; yield None if another process holds that lock.

        Raises:
            LockTaken: the database session has ended, so the leader lock is lost as well.
        """
        assert self._session is not None
        try:
            is_held = self._session.try_lock(key)
        except LakeUnavailable as error:
            raise LockTaken(f"the watcher is no longer the leader: {error}") from None
        try:
            yield HeldLock(self._session, key) if is_held else None
        finally:
            if is_held:
                with suppress(LakeUnavailable):
                    self._session.unlock(key)

    def release(self) -> None:
        """Release the leader lock."""
        if self._session is not None:
            self._session.close()
            self._session = None
