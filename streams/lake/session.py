"""PostgreSQL sessions, including a session that plans each statement only once."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from select import select
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import psycopg2
import psycopg2.extensions

from streams.errors import LakeUnavailable

__all__ = ["READ_WHOLE", "Session", "configure", "open_connection", "with_keepalives"]

_CLIENT: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""
Connection options. They decide how soon the client notices that the server's machine is gone.

The options work for idle connections and for connections that wait for an answer.
"""

_MOST_STATEMENTS = 100
"""How many prepared statements a session keeps. If there are more, the least recently used statement is dropped."""

_SETTINGS = {
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "timezone": "UTC",
    "datestyle": "ISO",
    "search_path": "pg_catalog",
    "default_transaction_isolation": "read committed",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
"""
Session settings that override timeouts and defaults of the database or role.

They make sure that no timeout ends a long statement, and that no default changes a result.
"""

READ_WHOLE = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
"""
Settings that allow PostgreSQL to read whole tables. This is fast if a statement needs all rows, and slow if it needs
few.
"""

_CONFIGURE = """
    SELECT count(set_config(pg_settings.name, given.value, false))
    FROM unnest(%s, %s) AS given (name, value)
    JOIN pg_settings ON lower(pg_settings.name) = given.name
"""


def open_connection(dsn: str, name: str, *, autocommit: bool = True) -> psycopg2.extensions.connection:
    """
    Open a connection that does not wait for ever if the server's machine is gone.

    Args:
        name: the name under which the server lists the connection.

    Raises:
        psycopg2.OperationalError: the server does not answer.
    """
    connection: psycopg2.extensions.connection = psycopg2.connect(dsn, application_name=name, **_CLIENT)
    connection.autocommit = autocommit
    return connection


def with_keepalives(dsn: str) -> str:
    """
    Return a libpq URL with the options of `open_connection`, for a connection that another library makes.

    Options that the URL has already are kept.
    """
    parts = urlsplit(dsn)
    missing = {name: value for name, value in _CLIENT.items() if name not in parse_qs(parts.query)}
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(missing))))))


def configure(cursor: psycopg2.extensions.cursor, settings: Mapping[str, str]) -> None:
    """Apply settings to a session. If this version of the server does not know a setting, that setting is left out."""
    cursor.execute(_CONFIGURE, [list(settings), list(settings.values())])


class Session:
    """
    A session that runs statements whose parameters are written `$1`, `$2` and so on.

    Args:
        name: the name under which the server lists the session.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """

    def __init__(self, dsn: str, name: str) -> None:
        try:
            self._connection = open_connection(dsn, name)
        except psycopg2.OperationalError as error:
            raise LakeUnavailable(f"PostgreSQL does not answer: {type(error).__name__}") from None
        self._cursor = self._connection.cursor()
        self._prepared: OrderedDict[str, str] = OrderedDict()
        self._number = 0
        self._begins = False
        """Whether the next statement begins a transaction."""
        self._planner: dict[str, str] = {}
        self._planner_has: dict[str, str] = {}
        self._connection.set_client_encoding("UTF8")
        configure(self._cursor, _SETTINGS)

    @property
    def backend(self) -> int:
        """The id of the session's process on the server's machine."""
        return self._connection.info.backend_pid

    def close(self) -> None:
        """Close the session."""
        self._connection.close()

    def run(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        if text not in self._prepared:
            self._prepare(text)
        self._prepared.move_to_end(text)
        given = f" ({', '.join(['%s'] * len(values))})" if values else ""
        self._execute(f"EXECUTE {self._prepared[text]}{given}", values or None)
        return self._cursor.fetchall() if self._cursor.description else []

    def command(self, text: str) -> None:
        """Run statements that take no parameters. They are not prepared, because they run only rarely."""
        self._execute(text)

    def wait(self, seconds: float) -> None:
        """Wait until a notification arrives on a channel to which the session listens, or until the time is over."""
        if not self._connection.notifies:
            select([self._connection], [], [], seconds)
        self._connection.poll()
        self._connection.notifies.clear()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        Commit all statements of the block, or none. Inside an open transaction, the block becomes part of that
        transaction.
        """
        if self._begins or self._connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
            yield
            return
        self._begins = True
        try:
            yield
        except BaseException:
            self._end("ROLLBACK")
            raise
        self._end("COMMIT")

    def plan_with(self, **settings: str) -> None:
        """Change planner settings for all plans from now on."""
        self._planner |= settings

    @contextmanager
    def planning(self, **settings: str) -> Iterator[None]:
        """Change planner settings for plans that are made within the block."""
        before = {name: self._planner.get(name, "on") for name in settings}
        self._planner |= settings
        try:
            yield
        finally:
            self._planner |= before

    def _execute(self, text: str, values: Sequence[object] | None = None) -> None:
        """Run a statement together with the commands that must precede it. This saves a round trip to the server."""
        try:
            self._cursor.execute(self._before() + text, values)
        except BaseException:
            # The rollback has also undone the settings that were made in the same transaction.
            self._planner_has.clear()
            raise

    def _before(self) -> str:
        settings = {name: value for name, value in self._planner.items() if self._planner_has.get(name) != value}
        begin = "BEGIN; " if self._begins else ""
        self._planner_has |= settings
        self._begins = False
        return begin + "".join(f"SET {name} = {value}; " for name, value in settings.items())

    def _end(self, how: str) -> None:
        if self._begins:
            self._begins = False  # no statement was run
            return
        if how == "ROLLBACK":
            self._planner_has.clear()
        self._cursor.execute(how)

    def _prepare(self, text: str) -> None:
        if len(self._prepared) == _MOST_STATEMENTS:
            _, oldest = self._prepared.popitem(last=False)
            self.command(f"DEALLOCATE {oldest}")
        self._number += 1
        name = f"statement_{self._number}"
        self.command(f"PREPARE {name} AS {text}")
        self._prepared[text] = name
