"""
A lock for versions of alerts that only the build evaluates: one process at a time publishes the next version.

The build publishes such an alert, and the watcher publishes what people did with it. Either of them numbers its version
after those that it has read. So it holds this lock from that reading until the version is on the topic. The watcher
never waits for the lock: a build that hangs delays no alert about a family.
"""

from contextlib import AbstractContextManager

from streams.lake.advisory import HeldLock, advisory_lock
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["version_lock"]


def version_lock(settings: Settings) -> AbstractContextManager[HeldLock]:
    """
    Hold the lock, as the build does. If another process has it, wait for it.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: another process had the lock for ten minutes.
        SettingInvalid: PostgreSQL is reached through a pooler that gives one session to several clients.
    """
    return advisory_lock(settings, LockKey.RESTATING)
