"""The statements that make the models, repeated without dbt on what is new since they were last run."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import duckdb
import structlog

from streams.marts import periods
from streams.marts.changes import state
from streams.marts.delta import Delta, NoRoomBetween

__all__ = ["Statement", "repeat"]

log = structlog.get_logger()

_ROOT, _DAY, _PERIOD = "root", "received_on", "period_start"
"""What else than a family, person or address rows can be replaced by, see `streams.marts.delta`."""

_SEED = "seed."
"""How ids of seeds begin: dbt loads them, and they are the same until then."""

_PERIODS_FROM = {f'"marts"."analytics"."{name}"' for name in periods.PARENTS}


@dataclass(frozen=True)
class Statement:
    """
    What makes one model.

    `grows_by` says of what its rows can be replaced alone (`streams.marts.delta`), `turns_at` in which columns it has
    the moments at which the clock changes a row that grows so.
    """

    unique_id: str
    relation: str
    sql: str
    parents: tuple[str, ...]
    grows_by: str | None = None
    turns_at: tuple[str, ...] = ()


def repeat(session: duckdb.DuckDBPyConnection, statements: Sequence[Statement], delta: Delta | None) -> str | None:
    """
    Make the models anew by the statements of the last build; returns the id of one that failed.

    Args:
        session: where they were made.
        statements: parents first.
        delta: what is new since the last build; with it the tables that can grow do.
    """
    repetition = _Repetition(session, statements, delta)
    for statement in statements:
        try:
            repetition.make(statement)
        except duckdb.Error as error:
            # Not its words: they may quote a value.
            log.warning("statement_failed", model=statement.unique_id, error=type(error).__name__)
            return statement.unique_id
    return None


class _Repetition:
    """One pass over the statements, and which of their tables are as they were."""

    def __init__(
        self, session: duckdb.DuckDBPyConnection, statements: Sequence[Statement], delta: Delta | None
    ) -> None:
        self._session = session
        by_net = [one for one in statements if one.grows_by not in {None, _ROOT, _DAY, _PERIOD}]
        by_period = [one for one in statements if one.grows_by == _PERIOD]
        if delta:
            delta.reach((one.relation, one.grows_by, at) for one in by_net for at in one.turns_at)
        self._delta = delta if delta and delta.is_small() else None
        """None: everything is made anew from here on."""
        self._by_net, self._by_period = ([one.relation for one in ones] for ones in (by_net, by_period))
        self._read = set(chain.from_iterable(one.parents for one in (*by_net, *by_period)))
        self._unchanged: set[str] = set()

    def make(self, statement: Statement) -> None:
        if self._delta is None:
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
                # What reads it has other rows of any net, and of any period.
                self._delta = None
        else:
            self._session.execute(statement.sql)

    def _grow(self, delta: Delta, statement: Statement) -> None:
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
