"""
A lock for versions of alerts that only the build evaluates: one process at a time publishes the next version.

The build publishes such an alert, and the watcher publishes the actions of people on it. The build and the watcher each
number a version after the versions that they have read. So the writer of a version holds this lock from reading the
versions until its own version is on the topic. The watcher never waits for the lock, so a build that hangs delays no
alert about a family.
"""

from contextlib import AbstractContextManager

from streams.lake.advisory import HeldLock, advisory_lock
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["version_lock"]


def version_lock(settings: Settings) -> AbstractContextManager[HeldLock]:
    """
    Hold the lock, as the build does. If another process holds it, wait.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: another process held the lock for ten minutes.
        SettingInvalid: PostgreSQL is reached through a pooler that shares sessions between clients.
    """
    return advisory_lock(settings, LockKey.RESTATING)
