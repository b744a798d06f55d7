"""
Reads the lake for the pages.

The reader has a few read-only connections. It keeps each answer until the marts change. The queries of a page share one
transaction, so they all see the same build, even if the next build is published meanwhile.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import duckdb
import structlog

from streams.errors import LakeUnavailable
from streams.lake.connect import connect
from streams.lake.renewal import Renewal
from streams.lake.transaction import transaction
from streams.settings import Settings

__all__ = ["NotBuilt", "Reader", "Snapshot"]

log = structlog.get_logger()

_CONNECTIONS = 3
_KEPT = 400
"""
How many answers are kept at most for one build.

A page needs a few answers for each choice of a reader.
"""
_ASK_SECONDS = 0.5
"""After this many seconds, the reader looks again whether there is a new snapshot of the marts."""

_VERSION = "SELECT id FROM marts.current_snapshot()"

T = TypeVar("T")
Row = dict[str, Any]


class NotBuilt(Exception):
    """
    A table or column of the marts does not exist. Either nothing has been built yet, or the last build was made by an
    older version of caf.
    """


class Snapshot:
    """The lake as it is within one transaction."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def rows(self, query: str, values: list[object] | Mapping[str, object] | None = None) -> list[Row]:
        """
        Run a query and return its rows. Each row is a dict by column name.

        Raises:
            NotBuilt: the query names a table or column that does not exist.
        """
        try:
            answer = self._cursor.execute(query, values or [])
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise NotBuilt(str(error).split("\n", 1)[0]) from None
        columns = [column[0] for column in answer.description]
        return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]

    def one(self, query: str, values: list[object] | Mapping[str, object] | None = None) -> Row | None:
        """Return the first row of a query, or None if the query has no rows."""
        return next(iter(self.rows(query, values)), None)

    @property
    def lake(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection to the lake, for functions that need one."""
        return self._cursor


class Reader:
    """Reads the lake for many people at once. A lost connection is replaced at the next query."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free: queue.LifoQueue[Renewal | None] = queue.LifoQueue()
        for _ in range(_CONNECTIONS):
            self._free.put(None)
        self._answers: dict[object, Any] = {}
        self._version = 0
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """
        Open a transaction on a connection that nobody else uses at the same time.

        Raises:
            LakeUnavailable: the lake does not answer.
        """
        held = self._free.get()
        try:
            if held is None:
                held = Renewal(self._settings, connect(self._settings))
            held.renew()
            with transaction(held.session, read_only=True):
                yield Snapshot(held.session)
        except NotBuilt:
            raise  # The connection still works.
        except duckdb.Error as error:
            _close(held)
            held = None
            log.warning("lake_lost", error=type(error).__name__)
            raise LakeUnavailable("the lake does not answer; './caf status' shows what runs") from None
        except BaseException:
            _close(held)
            held = None
            raise
        finally:
            self._free.put(held)

    def of_build(self, key: object, make: Callable[[Snapshot], T]) -> T:
        """
        Return the result of `make`, which is cached under `key` until the marts change.

        If there is a cached result, `make` is not called.

        Raises:
            LakeUnavailable: the lake does not answer.
            NotBuilt: a mart does not exist.
        """
        version = self.version()
        kept: T | None = self._answers.get((version, key))
        if kept is None:
            with self.snapshot() as snapshot:
                kept = make(snapshot)
            with self._lock:
                if len(self._answers) >= _KEPT:
                    self._answers.clear()
                self._answers[version, key] = kept
        return kept

    def version(self) -> int:
        """
        Return the number of the latest snapshot of the marts. Every build changes this number.

        Raises:
            LakeUnavailable: the lake does not answer.
        """
        if time.monotonic() - self._asked_at > _ASK_SECONDS:
            with self.snapshot() as snapshot:
                version = snapshot.rows(_VERSION)[0]["id"]
            with self._lock:
                if version != self._version:
                    self._answers.clear()
                self._version, self._asked_at = version, time.monotonic()
        return self._version

    def close(self) -> None:
        """Wait until running queries have ended, and then close the connections."""
        for _ in range(_CONNECTIONS):
            _close(self._free.get())


def _close(held: Renewal | None) -> None:
    with suppress(duckdb.Error):
        if held is not None:
            held.session.close()
