"""
The next version of an alert that the build judges is said by one at a time.

The build restates such an alert, and the watcher says what people did with it. Either numbers its version after those
that it has heard: it holds a lock from then until the version is on the topic. The watcher never waits for it: a build
that hangs holds up no alert of a family.
"""

from contextlib import AbstractContextManager

from streams.lake.advisory import HeldLock, advisory_lock
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["version_lock"]


def version_lock(settings: Settings) -> AbstractContextManager[HeldLock]:
    """
    Hold the lock, as the build does; whoever has it is waited for.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: another process had it for ten minutes.
        SettingInvalid: PostgreSQL is reached through a pooler that hands sessions on.
    """
    return advisory_lock(settings, LockKey.RESTATING)
