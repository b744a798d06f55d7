"""Stop the watcher and the builds for the time of an erasure, and let them begin again afterwards."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from streams.errors import LockTaken
from streams.lake.advisory import LockSession
from streams.lake.connect import catalog_dsn
from streams.lake.lock_keys import LockKey
from streams.marts.lock import build_lock
from streams.settings import Settings

__all__ = ["forget_watched", "nobody_builds_or_watches"]

_PATIENCE_SECONDS = 60.0
_SCHEMAS = ("watch", "watch_next")
"""The schemas with the tables of the leader and of a standby (`streams.watch.state.tables`)."""
_END_WATCHERS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name LIKE 'caf watch%' AND datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def nobody_builds_or_watches(settings: Settings) -> Iterator[None]:
    """
    Hold the locks of the builder and of the leading watcher.

    The watcher's database sessions are ended until the lock is free. The watcher then waits for the lock, with nothing
    in its memory, and leads again when the block ends. Records that arrive meanwhile wait in Kafka.

    Raises:
        LockTaken: a lock did not become free.
    """
    with build_lock(settings), closing(LockSession(settings, "erase")) as session:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not session.try_lock(LockKey.LEADER):
            if time.monotonic() > deadline:
                raise LockTaken(f"the watcher did not stop; held by {session.holder(LockKey.LEADER)}")
            _run(settings, _END_WATCHERS)
            time.sleep(0.05)
        _run(settings, _END_WATCHERS)  # standbys, which may have read the tables
        yield


def forget_watched(settings: Settings) -> None:
    """
    Drop the watcher's tables.

    The next leader fills new tables from the lake, as after an upgrade, and evaluates all families again.
    """
    for schema in _SCHEMAS:
        _run(settings, f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _run(settings: Settings, statement: str) -> None:
    with closing(psycopg2.connect(catalog_dsn(settings))) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
