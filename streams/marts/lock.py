"""The build lock. A process holds this lock while it builds the marts, or while the marts must not change."""

from contextlib import AbstractContextManager

from streams.lake.advisory import HeldLock, advisory_lock
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["build_lock"]


def build_lock(settings: Settings) -> AbstractContextManager[HeldLock]:
    """
    Hold the build lock. If another process holds it, wait.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: other processes held the lock for ten minutes.
        SettingInvalid: PostgreSQL is reached through a pooler that shares sessions between clients.
    """
    return advisory_lock(settings, LockKey.BUILD)
