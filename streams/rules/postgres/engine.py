"""The rules on PostgreSQL, as DuckDB runs them in `streams.rules.engine`: rows go in, answers come out."""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple, Self

import msgspec
import psycopg2
import psycopg2.extensions
import pyarrow as pa

from streams.rules.answers import (
    ALERT_ACTIONS,
    DECIDED_REFERRALS,
    FAMILY_DESK,
    AlertAction,
    AlertRow,
    Deadline,
    DecidedReferral,
    Evaluation,
    FamilyDesk,
    columns_answered,
)
from streams.rules.compiled import CompiledRules
from streams.rules.crowds import CROWD_LIMITS, CROWDS, NO_LIMITS, Crowd, CrowdLimits
from streams.rules.evaluator import Evaluator
from streams.rules.postgres.derive import derived
from streams.rules.postgres.rows import as_json
from streams.rules.postgres.schema import install
from streams.rules.postgres.statement import rows_given, statement
from streams.settings import Settings
from streams.stack.postgres import server

__all__ = ["PostgresEngine"]

MANY_EVENTS = 150
"""From here on joins are hashed: how many rows a parameter holds is not known when a plan is made once for all."""

_MOST_STATEMENTS = 64
"""Statements that are kept prepared, one for each set of models that was asked for."""

_SESSION = "SET jit = off; SET plan_cache_mode = force_generic_plan; SET timezone = 'UTC'; SET search_path = pg_catalog"

_Due = tuple[datetime, str]


class _Given(NamedTuple):
    """What is judged, as parameters of a statement: the tables that have rows, and their rows."""

    tables: tuple[str, ...]
    values: tuple[object, ...]
    has_many: bool


class PostgresEngine(Evaluator):
    """
    One session of a PostgreSQL server; between two evaluations it keeps prepared statements and nothing else.

    Args:
        connection: with autocommit, and of this engine alone.

    Raises:
        NotKnown: something in a model is not known to mean the same in PostgreSQL.
        LakeUnavailable: the database holds text in another encoding than UTF-8.
    """

    def __init__(self, compiled: CompiledRules, connection: psycopg2.extensions.connection) -> None:
        super().__init__(compiled)
        self.backend = connection.info.backend_pid
        """The process of the session, on the server's machine."""
        self._derived = derived(compiled)
        self._connection = connection
        install(connection, compiled, self._derived)
        self._cursor = connection.cursor()
        self._cursor.execute(_SESSION)
        self._columns = columns_answered(compiled)
        self._rules = {name: rule.name for rule in compiled.rules.values() for name in compiled.ends(rule.name)}
        self._prepared: OrderedDict[object, str] = OrderedDict()
        self._number = 0
        self._hashes = False

    @classmethod
    def connected(cls, settings: Settings, compiled: CompiledRules) -> Self:
        """
        An engine in the lake's database, with a session of its own.

        Raises:
            LakeUnavailable: PostgreSQL does not answer.
            NotKnown: see above.
        """
        dsn = server(settings).dsn(settings.database)
        connection = psycopg2.connect(dsn, connect_timeout=10, application_name="caf rules")
        connection.autocommit = True
        return cls(compiled, connection)

    @property
    def crowd_limits(self) -> CrowdLimits:
        """See `Evaluator.crowd_limits`."""
        if CROWD_LIMITS not in self._derived.tables:
            return NO_LIMITS
        self._cursor.execute(
            f'SELECT {", ".join(self._derived.columns[CROWD_LIMITS])} FROM {self._derived.schema}."{CROWD_LIMITS}"'
        )
        return CrowdLimits(*self._cursor.fetchone())

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    @contextmanager
    def evaluating(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        rules: Collection[str],
        as_of: datetime,
        kinds: Collection[str] | None = None,
        *,
        crowds: Collection[Crowd] | None = None,
    ) -> Iterator[Evaluation]:
        """See `Evaluator.evaluating`."""
        kinds = None if kinds is None else frozenset(kinds)
        given = self._given(events, quarantine, as_of, crowds)
        ends = [name for rule in sorted(rules) for name in self.compiled.ends(rule)]
        evaluation = Evaluation([], [], [], lambda: self._desks(given, kinds))
        for model, answer in self._answers((*ends, ALERT_ACTIONS), kinds, given):
            if model == ALERT_ACTIONS:
                evaluation.actions.append(msgspec.json.decode(answer, type=AlertAction))
            elif model.startswith("alert_"):
                evaluation.alerts.append(msgspec.json.decode(answer, type=AlertRow))
            else:
                due_at, family = msgspec.json.decode(answer, type=_Due)
                evaluation.deadlines.append(Deadline(due_at, family, self._rules[model]))
        yield evaluation

    def desks(self, events: pa.Table, as_of: datetime) -> dict[str, FamilyDesk]:
        """See `Evaluator.desks`."""
        return self._desks(self._given(events, None, as_of), None)

    def decided_referrals(self, events: pa.Table, as_of: datetime) -> list[DecidedReferral]:
        """See `Evaluator.decided_referrals`."""
        answers = self._answers((DECIDED_REFERRALS,), None, self._given(events, None, as_of))
        return [msgspec.json.decode(answer, type=DecidedReferral) for _, answer in answers]

    def _desks(self, given: _Given, kinds: frozenset[str] | None) -> dict[str, FamilyDesk]:
        answers = self._answers((FAMILY_DESK,), kinds, given)
        desks = [msgspec.json.decode(answer, type=FamilyDesk) for _, answer in answers]
        return {desk.family_id: desk for desk in desks}

    def _given(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        as_of: datetime,
        crowds: Collection[Crowd] | None = None,
    ) -> _Given:
        tables = {"events": events} | ({} if quarantine is None else {"quarantine": quarantine})
        values = [as_json(rows, self._derived.inputs[table]) for table, rows in tables.items()]
        if crowds is not None and CROWDS in self.compiled.models:
            tables[CROWDS] = crowds
            values.append(msgspec.json.encode([crowd._asdict() for crowd in crowds]).decode())
        moment = as_of.astimezone(UTC).replace(tzinfo=None)
        return _Given(tuple(tables), (*values, moment), events.num_rows >= MANY_EVENTS)

    def _answers(self, asked: tuple[str, ...], kinds: frozenset[str] | None, given: _Given) -> list[tuple[str, str]]:
        """The rows of some models, each with the model's name."""
        models = self._above(tuple(name for name in asked if name in self.compiled.models), kinds)
        if not models:
            return []
        if self._hashes != given.has_many:
            self._cursor.execute(f"SET enable_nestloop = {'off' if given.has_many else 'on'}")
            self._hashes = given.has_many
        name = self._statement(models, given)
        self._cursor.execute(f"EXECUTE {name} ({', '.join(['%s'] * len(given.values))})", given.values)
        return self._cursor.fetchall()

    def _statement(self, models: tuple[str, ...], given: _Given) -> str:
        """The name of the statement for some models, prepared at first use."""
        key = models, given.tables, given.has_many
        if key not in self._prepared:
            if len(self._prepared) == _MOST_STATEMENTS:
                _, oldest = self._prepared.popitem(last=False)
                self._cursor.execute(f"DEALLOCATE {oldest}")
            self._number += 1
            name = f"evaluate_{self._number}"
            self._cursor.execute(
                f"PREPARE {name} ({', '.join(['json'] * len(given.tables))}, timestamp) AS {self._text(key)}"
            )
            self._prepared[key] = name
        self._prepared.move_to_end(key)
        return self._prepared[key]

    def _text(self, key: tuple[tuple[str, ...], tuple[str, ...], bool]) -> str:
        models, tables, _ = key
        sources = {table: rows_given(self._derived, table, f"${number}") for number, table in enumerate(tables, 1)}
        as_of = f"${len(tables) + 1}"
        return statement(self.compiled, self._derived, models, answers=self._columns, sources=sources, as_of=as_of)
