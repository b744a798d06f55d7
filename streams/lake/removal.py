"""Remove files of the lake only while no backup copies them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import structlog

from streams.lake.advisory import LockSession
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["removal"]

log = structlog.get_logger()


@contextmanager
def removal(settings: Settings) -> Iterator[bool]:
    """
    Yield whether files may be removed now. If so, no backup begins until the block ends.

    If a backup is being made, whoever wants to remove files leaves them for the next time.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    with closing(LockSession(settings, "remove old files")) as session:
        may_remove = bool(session.ask("pg_try_advisory_lock_shared(%s)", LockKey.BACKUP))
        if not may_remove:
            log.info("removal_put_off", backup=session.holder(LockKey.BACKUP))
        yield may_remove
