"""
A lock for alerts that only a build can raise. Only one process at a time publishes the next version of such an alert.

Both the build and the watcher publish versions: the build when the alert itself changes, the watcher when people act on
it. Each of them numbers its version one higher than the latest version that it has read. So a process takes this lock
before it reads the versions, and keeps it until its own version is on the topic. The watcher never waits for the lock,
so that a build that hangs does not delay alerts about families.
"""

from contextlib import AbstractContextManager

from streams.lake.advisory import HeldLock, advisory_lock
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["version_lock"]


def version_lock(settings: Settings) -> AbstractContextManager[HeldLock]:
    """
    Wait until no other process holds the lock, and then hold it. Only the build uses this function.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: another process held the lock for ten minutes.
        SettingInvalid: PostgreSQL is reached through a pooler that shares sessions between clients.
    """
    return advisory_lock(settings, LockKey.RESTATING)
