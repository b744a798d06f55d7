"""
PostgreSQL advisory locks. Whenever a session ends, the server releases the session's locks.

A connection pooler may let several clients share one session. Two processes could then hold the same lock. So each
session sets a random marker, and is tested before it takes locks. Every later query also checks that the session still
has its marker.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from uuid import uuid4

import psycopg2

from streams.errors import LakeUnavailable, LockTaken, SettingInvalid
from streams.lake.connect import catalog_dsn
from streams.lake.lock_keys import LockKey
from streams.lake.one_row import one_row
from streams.lake.session import configure, open_connection
from streams.settings import Settings
from streams.times import wait_for

__all__ = ["HeldLock", "LockSession", "advisory_lock"]

_PATIENCE_SECONDS = 600.0
_PAUSE_SECONDS = 0.1
_TRIES = 10
"""
How often a second connection is tried. While other clients use a pooler, both may get sessions of their own by chance.
"""
_LEASE_SECONDS = 60

_SERVER = {
    "statement_timeout": "0",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""
Server settings of a lock session. An administrator may have set timeouts that would end the session and so release its
locks. These settings override the timeouts.

With these settings, the server also notices within 11 s if the machine of the lock holder is gone.
"""

_PREPARE = "SELECT set_config('caf.session', %s, false), pg_is_in_recovery()"
_MARK = "SELECT coalesce(current_setting('caf.session', true), '')"

_QUESTION = """
    SELECT is_marked, CASE WHEN is_marked THEN {expression} END
    FROM (SELECT current_setting('caf.session', true) IS NOT DISTINCT FROM %s AS is_marked) AS session
"""

_HELD = """
    locktype = 'advisory' AND granted AND classid = %s AND objid = %s AND objsubid = %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_HOLDER = f"""
    SELECT string_agg(concat(application_name, ', since ', date_trunc('second', backend_start)), '; ')
    FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE {_HELD}
"""

_SHARED = (
    "CAF_POSTGRES leads to a pooler that hands one session to several clients, so a lock would not keep two processes "
    "apart; allowed: PostgreSQL itself, or a pooler in session mode that resets sessions (DISCARD ALL)"
)


class LockSession:
    """
    A PostgreSQL session that takes locks. Processes that wait for its locks are shown the session's `purpose`.

    Args:
        is_lease: whether the server ends the session when this process does nothing for a minute, because it was paused
            or got no CPU time. Another process can then take the locks. Use a lease only where fencing refuses the work
            of a process that has lost its lock.
        alive: a function that says whether the work of the lease's holder makes progress. If it does not, the lease
            ends, although the process itself still runs.

    Raises:
        LakeUnavailable: PostgreSQL does not answer, or is a read-only replica.
        SettingInvalid: PostgreSQL is reached through a pooler that shares sessions between clients.
    """

    def __init__(
        self, settings: Settings, purpose: str, *, is_lease: bool = False, alive: Callable[[], bool] = lambda: True
    ) -> None:
        dsn, self._mark, self._alive = catalog_dsn(settings), uuid4().hex, alive
        self._connection, self._closed = _connect(dsn, purpose), threading.Event()
        try:
            self._prepare(_LEASE_SECONDS if is_lease else 0)
            self._prove(dsn)
        except BaseException:
            self.close()
            raise
        if is_lease:
            threading.Thread(target=self._renew, name="lock-lease", daemon=True).start()

    def try_lock(self, *key: int) -> bool:
        """
        Take a lock if no other session holds it, and return whether this worked. The lock's key is one number or two.

        Raises:
            LakeUnavailable: the session is lost, and so are all its locks.
        """
        return bool(self.ask(f"pg_try_advisory_lock({_placeholders(key)})", *key))

    def unlock(self, *key: int) -> None:
        """Release a lock. Raises the same error as `try_lock`."""
        self.ask(f"pg_advisory_unlock({_placeholders(key)})", *key)

    def holds(self, *key: int) -> bool:
        """Return whether the server confirms that this session holds the lock; False if the server does not answer."""
        try:
            found = self.ask(f"EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND {_HELD})", *_parts(key))
        except LakeUnavailable:
            return False
        return bool(found)

    def holder(self, *key: int) -> str:
        """
        Return the holders of a lock: purpose, machine and process of each session.

        Raises:
            LakeUnavailable: the session is lost.
        """
        return str(self.ask(f"({_HOLDER})", *_parts(key), otherwise="nobody now"))

    def ask(self, expression: str, *values: int, otherwise: object = False) -> object:
        """
        Evaluate an SQL expression, after checking the session's marker. If the result is NULL, return `otherwise`.

        Raises:
            LakeUnavailable: the session is lost, or a pooler has given it to another client.
        """
        is_marked, value = self._query(expression, values)
        if not is_marked:
            raise LakeUnavailable("the locks in PostgreSQL are lost: the session was reset or handed on by a pooler")
        return otherwise if value is None else value

    def close(self) -> None:
        """End the session and release all locks."""
        self._closed.set()
        with suppress(psycopg2.Error):
            self._connection.close()

    def _renew(self) -> None:
        """
        Send a query every ten seconds until the session is closed or lost. The server keeps the session while queries
        arrive. While the work makes no progress, send none.
        """
        with suppress(LakeUnavailable):
            while not self._closed.wait(_LEASE_SECONDS / 6):
                if self._alive():
                    self.ask("true")

    def _prepare(self, lease_seconds: int) -> None:
        limits = {**_SERVER, "idle_session_timeout": f"{lease_seconds}s"}
        try:
            with self._connection.cursor() as cursor:
                configure(cursor, limits)
                cursor.execute(_PREPARE, [self._mark])
                _, is_replica = one_row(cursor)
        except psycopg2.Error as error:
            raise LakeUnavailable(f"PostgreSQL gives no locks: {type(error).__name__}") from None
        if is_replica:
            raise LakeUnavailable(
                "this is a read-only replica, so its locks keep no other process out; name the primary"
            )

    def _prove(self, dsn: str) -> None:
        """
        Check that a second connection gets a PostgreSQL session of its own, even during a transaction.

        To check this, the second connection opens a transaction. The first session must still have its marker then.

        Raises:
            LakeUnavailable: PostgreSQL does not answer.
            SettingInvalid: a pooler lets both connections share one session.
        """
        with closing(_connect(dsn, "tests whether sessions are separate", autocommit=False)) as other:
            for _ in range(_TRIES):
                try:
                    with other, other.cursor() as cursor:
                        cursor.execute(_MARK)
                        is_shared = one_row(cursor)[0] or not self._query("true")[0]
                except psycopg2.OperationalError as error:
                    raise LakeUnavailable(f"PostgreSQL gives no locks: {type(error).__name__}") from None
                except psycopg2.Error:
                    is_shared = True
                if is_shared:
                    raise SettingInvalid(_SHARED)

    def _query(self, expression: str, values: Sequence[int] = ()) -> tuple[bool, object]:
        """Return whether the session still has its marker, and if so the value of an SQL expression."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_QUESTION.format(expression=expression), [*values, self._mark])
                is_marked, value = one_row(cursor)
                return is_marked, value
        except psycopg2.Error as error:
            raise LakeUnavailable(f"the locks in PostgreSQL are lost: {type(error).__name__}") from None


class HeldLock:
    """A lock that a session holds. `check` asks the server whether the session still holds the lock."""

    def __init__(self, session: LockSession, key: LockKey) -> None:
        self._session = session
        self.key = key

    def check(self) -> None:
        """
        Check that the lock is still held.

        Raises:
            LockTaken: the session no longer holds the lock.
        """
        if not self._session.holds(self.key):
            raise LockTaken(f"the lock {self.key.name.lower()!r} is lost; another process may have it")


@contextmanager
def advisory_lock(settings: Settings, key: LockKey, patience: float = _PATIENCE_SECONDS) -> Iterator[HeldLock]:
    """
    Hold a lock while the block runs. If another process holds the lock, wait for it first.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: another process held the lock for `patience` seconds; the message names the holder.
        SettingInvalid: PostgreSQL is reached through a pooler that shares sessions between clients.
    """
    with closing(LockSession(settings, key.name.lower())) as session:
        if not wait_for(lambda: session.try_lock(key), patience, every=_PAUSE_SECONDS):
            raise LockTaken(
                f"the lock {key.name.lower()!r} was not free within {patience:.0f} s; held by {session.holder(key)}"
            )
        yield HeldLock(session, key)


def _connect(dsn: str, purpose: str, *, autocommit: bool = True) -> psycopg2.extensions.connection:
    name = f"caf {purpose}, {socket.gethostname()[:20]}-{os.getpid()}"
    try:
        return open_connection(dsn, name, autocommit=autocommit)
    except psycopg2.OperationalError as error:
        raise LakeUnavailable(f"PostgreSQL gives no locks: {type(error).__name__}") from None


def _placeholders(key: tuple[int, ...]) -> str:
    return ", ".join(["%s"] * len(key))


def _parts(key: tuple[int, ...]) -> tuple[int, ...]:
    """Return a key as `pg_locks` shows it: a single number is the second half of a 64-bit key."""
    return (0, *key, 1) if len(key) == 1 else (*key, 2)
