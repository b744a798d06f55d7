"""
Advisory locks of PostgreSQL. The server frees a session's locks when the session ends, for whatever reason.

A pooler that hands sessions on between transactions would let two processes hold one lock. So each session gets a mark
and is tested before anybody relies on it. Each later question also asks the server whether the session still has its
mark.
"""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
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
_TRIES = 3
_LEASE_SECONDS = 60

_SERVER = {
    "statement_timeout": "0",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""
Timeouts of a database or role do not take a lock away. The server notices within 11 s that the holder's machine is
gone.
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
    A session that takes locks. Its `purpose` is shown to processes that wait for them.

    Args:
        is_lease: the server ends the session when this process stands still for a minute (paused, or starved). Another
            process then gets the locks. Use it only for work that is refused once its lock is lost.

    Raises:
        LakeUnavailable: PostgreSQL does not answer, or is a replica that only reads.
        SettingInvalid: PostgreSQL is reached through a pooler that hands sessions on.
    """

    def __init__(self, settings: Settings, purpose: str, *, is_lease: bool = False) -> None:
        dsn, self._mark = catalog_dsn(settings), uuid4().hex
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
        Take a lock, named by one number or two, if no other session has it.

        Raises:
            LakeUnavailable: the session is lost, and all its locks with it.
        """
        return bool(self.ask(f"pg_try_advisory_lock({_placeholders(key)})", *key))

    def unlock(self, *key: int) -> None:
        """Give a lock back; raises as `try_lock` does."""
        self.ask(f"pg_advisory_unlock({_placeholders(key)})", *key)

    def holds(self, *key: int) -> bool:
        """Return whether the server says that this very session holds the lock; False if it does not answer."""
        try:
            found = self.ask(f"EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND {_HELD})", *_parts(key))
        except LakeUnavailable:
            return False
        return bool(found)

    def holder(self, *key: int) -> str:
        """
        Name the holders of a lock: purpose, machine and process of each session.

        Raises:
            LakeUnavailable: the session is lost.
        """
        return str(self.ask(f"({_HOLDER})", *_parts(key), otherwise="nobody now"))

    def ask(self, expression: str, *values: int, otherwise: object = False) -> object:
        """
        Evaluate an expression in the marked session; return `otherwise` where it is NULL.

        Raises:
            LakeUnavailable: the session is lost, or a pooler has given it to another client.
        """
        is_marked, value = self._query(expression, values)
        if not is_marked:
            raise LakeUnavailable("the locks in PostgreSQL are lost: the session was reset or handed on by a pooler")
        return otherwise if value is None else value

    def close(self) -> None:
        """End the session and give all locks back."""
        self._closed.set()
        with suppress(psycopg2.Error):
            self._connection.close()

    def _renew(self) -> None:
        """Show the server that this process is alive, until the session is closed or lost."""
        with suppress(LakeUnavailable):
            while not self._closed.wait(_LEASE_SECONDS / 6):
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
            raise LakeUnavailable("PostgreSQL only reads (a replica), so its locks exclude nobody; name the primary")

    def _prove(self, dsn: str) -> None:
        """
        Check that a second session, in the middle of a transaction, is separate and that this session keeps its mark.

        Raises:
            LakeUnavailable: PostgreSQL does not answer.
            SettingInvalid: a pooler lets both share one session.
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
        """Return whether the session still has its mark, and if so the value of an expression."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_QUESTION.format(expression=expression), [*values, self._mark])
                is_marked, value = one_row(cursor)
                return is_marked, value
        except psycopg2.Error as error:
            raise LakeUnavailable(f"the locks in PostgreSQL are lost: {type(error).__name__}") from None


class HeldLock:
    """A lock that a session holds, as long as the server says so."""

    def __init__(self, session: LockSession, key: LockKey) -> None:
        self._session = session
        self.key = key

    def check(self) -> None:
        """
        Raises:
            LockTaken: the lock is not held any more.
        """
        if not self._session.holds(self.key):
            raise LockTaken(f"the lock {self.key.name.lower()!r} is lost; another process may have it")


@contextmanager
def advisory_lock(settings: Settings, key: LockKey, patience: float = _PATIENCE_SECONDS) -> Iterator[HeldLock]:
    """
    Hold a lock; wait while another process has it.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: another process had the lock for `patience` seconds; the message names it.
        SettingInvalid: PostgreSQL is reached through a pooler that hands sessions on.
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
    """A key as `pg_locks` shows it: one number is the second half of a large one, two numbers stand as they are."""
    return (0, *key, 1) if len(key) == 1 else (*key, 2)
