"""One at a time: whoever builds the marts, or must find them at rest, holds this lock."""

from contextlib import AbstractContextManager

from streams.lake.advisory import HeldLock, advisory_lock
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["build_lock"]


def build_lock(settings: Settings) -> AbstractContextManager[HeldLock]:
    """
    Hold the lock; whoever has it is waited for.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: another process had it for ten minutes.
        SettingInvalid: PostgreSQL is reached through a pooler that hands sessions on.
    """
    return advisory_lock(settings, LockKey.BUILD)
