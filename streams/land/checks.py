"""
Decide when rows that have landed are validated.

A check comes after a commit, and covers all rows that have landed since the last check, even if the process was
restarted in between.
"""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import duckdb
import pyarrow as pa
import structlog

from streams.contracts.landing import landing_tables
from streams.land.store import LandingStore

__all__ = ["Checks", "Result", "Validator"]

log = structlog.get_logger()

_SECONDS_BETWEEN = 5.0
"""
The shortest time between two checks, in seconds.

How long a check takes depends on the number of expectations, not on the number of rows. So it is quicker to validate
several batches together than one by one.
"""


class Result(Protocol):
    """The result of one expectation."""

    @property
    def success(self) -> bool | None:
        """Whether the rows met the expectation; None if it could not be validated."""

    def row(self) -> dict[str, object]:
        """Return the row of `landing.validations`, with times in UTC without a time zone."""


Validator = Callable[[duckdb.DuckDBPyConnection, datetime, datetime], Iterable[Result]]
"""A function that validates the rows whose `landed_at` lies between two timezone-aware times, both included."""


class Checks:
    """Calls the validator for the rows that have landed since its last call."""

    def __init__(self, store: LandingStore, validator: Validator) -> None:
        self._store, self._validator = store, validator
        self._landed_to = store.last_validated_at() or datetime.fromtimestamp(0, UTC)
        self._called = 0.0

    def due(self) -> bool:
        """Return whether enough time has passed for the next check."""
        return time.monotonic() - self._called >= _SECONDS_BETWEEN

    def run(self, landed_to: datetime) -> None:
        """Validate the rows that have landed up to `landed_to` and are not validated yet, and store the results."""
        if landed_to <= self._landed_to:
            return
        started = time.monotonic()
        with self._store.reader() as lake:
            results = list(self._validator(lake, self._landed_to + timedelta(microseconds=1), landed_to))
        if results:
            self._store.commit({"validations": _table(results)}, {})
        self._landed_to, self._called = landed_to, time.monotonic()
        failed = sum(result.success is False for result in results)
        log.info("batch_checked", expectations=len(results), failed=failed, seconds=round(self._called - started, 3))


def _table(results: list[Result]) -> pa.Table:
    rows = [result.row() for result in results]
    columns = landing_tables()["validations"].columns
    return pa.table({name: pa.array([row[name] for row in rows], column.type) for name, column in columns.items()})
