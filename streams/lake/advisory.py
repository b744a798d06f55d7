"""
Advisory locks that a PostgreSQL session holds: when the session ends, however it ends, they are free.

A pooler that hands sessions on between transactions would let two processes hold one lock. So a session is marked and
tried before anything rests on it, and with each question the server is asked whether the session still has its mark.
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
"""What a database or role limits does not take a lock away; that the holder's machine is gone is seen within 11 s."""

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
    A session that takes locks; `purpose` is what whoever waits for them is told.

    Args:
        is_lease: the server ends the session, and another process gets the locks, when this process stands still for a
            minute (paused, or starved). Only for work that is refused when its lock is lost.

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
            LakeUnavailable: the session is lost, and with it every lock.
        """
        return self.ask(f"pg_try_advisory_lock({_placeholders(key)})", *key)

    def unlock(self, *key: int) -> None:
        """Give a lock back; raises as `try_lock` does."""
        self.ask(f"pg_advisory_unlock({_placeholders(key)})", *key)

    def holds(self, *key: int) -> bool:
        """Whether the server says that this very session holds the lock; not, if it does not answer."""
        try:
            return self.ask(f"EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND {_HELD})", *_parts(key))
        except LakeUnavailable:
            return False

    def holder(self, *key: int) -> str:
        """
        Who holds a lock: the purpose, machine and process of each session that does.

        Raises:
            LakeUnavailable: the session is lost.
        """
        return self.ask(f"({_HOLDER})", *_parts(key), otherwise="nobody any more")

    def ask(self, expression: str, *values: int, otherwise: object = False) -> object:
        """
        The value of an expression in the marked session; `otherwise` where it is NULL.

        Raises:
            LakeUnavailable: the session is lost, or somebody else's by now.
        """
        is_marked, value = self._query(expression, values)
        if not is_marked:
            raise LakeUnavailable("the locks in PostgreSQL are lost: the session was reset or handed on by a pooler")
        return otherwise if value is None else value

    def close(self) -> None:
        """Give everything back."""
        self._closed.set()
        with suppress(psycopg2.Error):
            self._connection.close()

    def _renew(self) -> None:
        """Show that this process is alive, until the session is not."""
        with suppress(LakeUnavailable):
            while not self._closed.wait(_LEASE_SECONDS / 6):
                self.ask("true")

    def _prepare(self, lease_seconds: int) -> None:
        limits = {**_SERVER, "idle_session_timeout": f"{lease_seconds}s"}
        try:
            with self._connection.cursor() as cursor:
                configure(cursor, limits)
                cursor.execute(_PREPARE, [self._mark])
                _, is_replica = cursor.fetchone()
        except psycopg2.Error as error:
            raise LakeUnavailable(f"PostgreSQL gives no locks: {type(error).__name__}") from None
        if is_replica:
            raise LakeUnavailable("PostgreSQL is a replica that only reads, so its locks bind nobody; name the primary")

    def _prove(self, dsn: str) -> None:
        """
        See that another session, in the middle of a transaction, is another one, and that this one stays itself.

        Raises:
            SettingInvalid: it is not so.
        """
        with closing(_connect(dsn, "tries whether sessions are its own", autocommit=False)) as other:
            for _ in range(_TRIES):
                try:
                    with other, other.cursor() as cursor:
                        cursor.execute(_MARK)
                        is_shared = cursor.fetchone()[0] or not self._query("true")[0]
                except psycopg2.OperationalError as error:
                    raise LakeUnavailable(f"PostgreSQL gives no locks: {type(error).__name__}") from None
                except psycopg2.Error:
                    is_shared = True
                if is_shared:
                    raise SettingInvalid(_SHARED)

    def _query(self, expression: str, values: Sequence[int] = ()) -> tuple[bool, object]:
        """Whether the session still has its mark, and the value of an expression if it has."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_QUESTION.format(expression=expression), [*values, self._mark])
                return cursor.fetchone()
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
    Hold a lock; whoever has it is waited for.

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


def _parts(key: tuple[int, ...]) -> tuple[int, int, int]:
    """How `pg_locks` shows a key: one number as the second half of a large one, two numbers as they are."""
    return (0, *key, 1) if len(key) == 1 else (*key, 2)
