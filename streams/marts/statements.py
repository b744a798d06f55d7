"""Repeat the statements of an earlier build without dbt. If possible, run them only for new records."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import duckdb
import structlog

from streams.marts import periods
from streams.marts.changes import state
from streams.marts.delta import Delta, NoRoomBetween

__all__ = ["Failure", "Statement", "repeat"]

log = structlog.get_logger()

_ROOT, _DAY, _PERIOD = "root", "received_on", "period_start"
"""The values of `grows_by` that do not name a column with a family, person or address (see `streams.marts.delta`)."""

_SEED = "seed."
"""The first letters of each seed's id. Only dbt loads seeds, so seeds have not changed since the last build."""

_PERIODS_FROM = {f'"marts"."analytics"."{name}"' for name in periods.PARENTS}


@dataclass(frozen=True)
class Statement:
    """
    The SQL statement that makes the table of one model.

    `grows_by` says which rows can be replaced without the others, for example those of one connected group
    (`streams.marts.delta`). `turns_at` names columns with a time. When this time has passed, the row changes even if no
    record has landed.
    """

    unique_id: str
    relation: str
    sql: str
    parents: tuple[str, ...]
    grows_by: str | None = None
    turns_at: tuple[str, ...] = ()


class Failure(NamedTuple):
    """The id of a model whose statement failed, and whether DuckDB had too little memory for it."""

    unique_id: str
    lacked_memory: bool


def repeat(session: duckdb.DuckDBPyConnection, statements: Sequence[Statement], delta: Delta | None) -> Failure | None:
    """
    Make the models with the statements of an earlier build.

    Args:
        session: the session in which the models are made. With a delta, it is the one that made the last build.
        statements: the statements, parents first.
        delta: the new records since the last build. If it is given, tables that can grow are not rebuilt, but only
            brought up to date.

    Returns:
        What failed, or None. No further statement is run after a failure.
    """
    repetition = _Repetition(session, statements, delta)
    for statement in statements:
        try:
            repetition.make(statement)
        except duckdb.Error as error:
            # The error's message is not logged, because it may contain data from records.
            log.warning("statement_failed", model=statement.unique_id, error=type(error).__name__)
            return Failure(statement.unique_id, isinstance(error, duckdb.OutOfMemoryException))
    return None


class _Repetition:
    """One pass over the statements. The pass keeps track of which tables have not changed."""

    def __init__(
        self, session: duckdb.DuckDBPyConnection, statements: Sequence[Statement], delta: Delta | None
    ) -> None:
        self._session = session
        by_net = [one for one in statements if one.grows_by not in {None, _ROOT, _DAY, _PERIOD}]
        by_period = [one for one in statements if one.grows_by == _PERIOD]
        if delta:
            delta.reach((one.relation, one.grows_by, at) for one in by_net for at in one.turns_at if one.grows_by)
        self._delta = delta if delta and delta.is_small() else None
        """The delta. It is None if all remaining statements must run on the whole history."""
        self._by_net, self._by_period = ([one.relation for one in ones] for ones in (by_net, by_period))
        self._read = set(chain.from_iterable(one.parents for one in (*by_net, *by_period)))
        self._unchanged: set[str] = set()

    def make(self, statement: Statement) -> None:
        if self._delta is None:
            self._session.execute(f"CREATE SCHEMA IF NOT EXISTS {statement.relation.rpartition('.')[0]}")
            self._session.execute(statement.sql)
            return
        if statement.relation in _PERIODS_FROM:
            self._delta.keep(statement.relation)
        if statement.grows_by is not None:
            self._grow(self._delta, statement)
        elif all(parent.startswith(_SEED) or parent in self._unchanged for parent in statement.parents):
            self._leave(self._delta, statement)
        elif statement.unique_id in self._read and statement.relation not in _PERIODS_FROM:
            before = state(self._session, statement.relation)
            self._session.execute(statement.sql)
            if state(self._session, statement.relation) == before:
                self._leave(self._delta, statement)
            else:
                # This table has changed. So any row may change in the tables that are made from it, and these tables
                # can no longer grow.
                self._delta = None
        else:
            self._session.execute(statement.sql)

    def _grow(self, delta: Delta, statement: Statement) -> None:
        assert statement.grows_by is not None, "the other statements are left or run whole"
        if statement.grows_by == _ROOT:
            try:
                delta.stage(statement.sql)
            except NoRoomBetween:
                self._delta = None
                self._session.execute(statement.sql)
        elif statement.grows_by == _DAY:
            delta.grow_by_day(statement.relation, statement.sql)
        elif statement.grows_by == _PERIOD:
            delta.grow_by_period(statement.relation, statement.sql, self._by_period)
        else:
            delta.grow(statement.relation, statement.sql, statement.grows_by, self._by_net)
        if delta.has_left(statement.relation):
            self._unchanged.add(statement.unique_id)

    def _leave(self, delta: Delta, statement: Statement) -> None:
        delta.leave(statement.relation)
        self._unchanged.add(statement.unique_id)
