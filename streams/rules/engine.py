"""
Evaluate the compiled rules in an in-memory DuckDB that has the lake's catalogs, schemas and relation names.

Two things make an evaluation fast. First, prepared statements fill the tables of the models in dependency order, and
each statement is planned only once. Second, after the results have been read, the transaction is rolled back, which
empties the tables.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from streams.lake.one_row import one_row
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
from streams.rules.compiled import CompiledRules, Model
from streams.rules.crowds import CROWD_LIMITS, NO_LIMITS, CrowdLimits
from streams.rules.evaluator import Evaluator
from streams.rules.inputs import columns_named
from streams.rules.run_tables import RUN_TABLES
from streams.rules.seeds import attach_seeds
from streams.times import naive

__all__ = ["Engine"]


class _Arrived:
    """
    Arrow rows that a prepared statement can scan.

    Whenever the statement runs, it reads the rows that `rows` contains at that time.
    """

    def __init__(self, columns: dict[str, pa.DataType]) -> None:
        self.columns = list(columns)
        self.rows = pa.schema(list(columns.items())).empty_table()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


class Engine(Evaluator):
    """Evaluates the rules in one in-memory DuckDB."""

    def __init__(self, compiled: CompiledRules) -> None:
        super().__init__(compiled)
        self._connection = duckdb.connect(config={"threads": 1})
        self._arrived = {table: _Arrived(columns) for table, columns in columns_named(compiled).items()}
        self._create_catalogs()
        self._ends = {name: rule for rule in compiled.rules.values() for name in compiled.ends(rule.name)}
        self._read = columns_answered(compiled)
        for model in compiled.models.values():
            if model.name not in self._read:
                self._create_table(model)
        self._numbers = {name: number for number, name in enumerate(compiled.models)}
        # Prepare the statements last. If the catalog changed afterwards, DuckDB would make a new plan at each
        # execution.
        self._prepare()

    @property
    def crowd_limits(self) -> CrowdLimits:
        """The limits above which an id is over-shared. See `Evaluator.crowd_limits`."""
        if (model := self.compiled.models.get(CROWD_LIMITS)) is None:
            return NO_LIMITS
        return CrowdLimits(*one_row(self._connection.execute(f"FROM {model.relation}")))

    def close(self) -> None:
        """Free the database's memory."""
        self._connection.close()

    @contextmanager
    def evaluating(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        rules: Collection[str],
        as_of: datetime,
    ) -> Iterator[Evaluation]:
        """Evaluate the given events and rejected records. See `Evaluator.evaluating`."""
        filled = self._needed(frozenset(rules))
        with self._landed(events, quarantine), self._as_of(as_of):
            alerts, deadlines = [], []
            for name in filled:
                if name not in self._ends:
                    self._fill(name)
                    continue
                rows, rule = self._rows(name), self._ends[name]
                if name == rule.model:
                    alerts += [AlertRow(*row) for row in rows]
                else:
                    deadlines += [Deadline(due_at, family, rule.name) for due_at, family in rows]
            done = set(filled)
            actions = [AlertAction(*row) for row in self._ask(ALERT_ACTIONS, done)]
            yield Evaluation(alerts, deadlines, actions, lambda: self._desks(done))

    def desks(self, events: pa.Table, as_of: datetime) -> dict[str, FamilyDesk]:
        """Return who works with each family in the events. See `Evaluator.desks`."""
        with self._landed(events, None), self._as_of(as_of):
            return self._desks(set())

    def decided_referrals(self, events: pa.Table, as_of: datetime) -> list[DecidedReferral]:
        """Return the referrals that the front door has decided. See `Evaluator.decided_referrals`."""
        with self._landed(events, None), self._as_of(as_of):
            return [DecidedReferral(*row) for row in self._ask(DECIDED_REFERRALS, set())]

    def _desks(self, filled: set[str]) -> dict[str, FamilyDesk]:
        return {row[0]: FamilyDesk(*row) for row in self._ask(FAMILY_DESK, filled)}

    def _ask(self, model: str, filled: set[str]) -> list[tuple[Any, ...]]:
        """Return the rows of a model. First fill the tables that the model needs and that are not yet in `filled`."""
        above = self._above((model,)) if model in self.compiled.models else ()
        if not above:
            return []
        for name in above:
            if name not in {*filled, model}:
                self._fill(name)
                filled.add(name)
        return self._rows(model)

    def _fill(self, model: str) -> None:
        self._connection.execute(f"EXECUTE fill_{self._numbers[model]}")

    def _rows(self, model: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(f"EXECUTE read_{self._numbers[model]}").fetchall()

    @contextmanager
    def _landed(self, events: pa.Table, quarantine: pa.Table | None) -> Iterator[None]:
        run = self._connection.execute
        given = {"events": events} if quarantine is None else {"events": events, "quarantine": quarantine}
        for name, rows in given.items():
            self._arrived[name].rows = rows.select(self._arrived[name].columns).combine_chunks()
            run(f"EXECUTE land_{name}")
        try:
            yield
        finally:
            for name in given:
                run(f"EXECUTE clear_{name}")

    @contextmanager
    def _as_of(self, as_of: datetime) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            self._connection.execute("INSERT INTO marts.run.as_of VALUES ($1)", [naive(as_of)])
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _create_catalogs(self) -> None:
        run = self._connection.execute
        run("SET TimeZone = 'UTC'")
        # DuckDB plans the statements while the tables are empty. The first two optimizers would draw conclusions from
        # the statistics of the empty tables, and these conclusions would be wrong or corrupted once the tables have
        # rows. The third optimizer pushes filters from one side of a join to the other. On a few rows, it costs more
        # than it saves.
        run("SET disabled_optimizers = 'statistics_propagation,compressed_materialization,join_filter_pushdown'")
        run("ATTACH ':memory:' AS landing; ATTACH ':memory:' AS marts")
        run(RUN_TABLES)
        for table, arrived in self._arrived.items():
            self._connection.register(f"arrived_{table}", arrived)
            run(f"CREATE TABLE landing.main.{table} AS FROM arrived_{table}")
        attach_seeds(self._connection, self.compiled)

    def _create_table(self, model: Model) -> None:
        """Create the table of a model. If the model reads only seeds, fill the table now: its rows never change."""
        run = self._connection.execute
        run(f"CREATE SCHEMA IF NOT EXISTS {model.relation.rpartition('.')[0]}")
        limit = "" if model.is_static else "LIMIT 0"
        columns = ", ".join(self._columns_read(model))
        run(f"CREATE TABLE {model.relation} AS SELECT {columns} FROM (\n{model.sql}\n) {limit}")

    def _columns_read(self, model: Model) -> list[str]:
        """Return the columns of a model that a later model names. Filling the other columns would waste time."""
        described = self._connection.execute(f"FROM (\n{model.sql}\n) LIMIT 0").description
        columns = [f'"{column[0]}"' for column in described]
        below = self.compiled.names_below(model.name)
        named = [column for column in columns if column.strip('"') in below]
        return named or columns

    def _prepare(self) -> None:
        for name, model in self.compiled.models.items():
            number = self._numbers[name]
            if name in self._read:
                # No other model reads this model. So the engine runs the model's query directly, and the model has no
                # table.
                columns = ", ".join(self._read[name])
                self._connection.execute(f"PREPARE read_{number} AS SELECT {columns} FROM (\n{model.sql}\n)")
            elif not model.is_static:
                columns = ", ".join(self._columns_read(model))
                self._connection.execute(
                    f"PREPARE fill_{number} AS INSERT INTO {model.relation} SELECT {columns} FROM (\n{model.sql}\n)"
                )
        for table in self._arrived:
            self._connection.execute(f"PREPARE land_{table} AS INSERT INTO landing.main.{table} FROM arrived_{table}")
            self._connection.execute(f"PREPARE clear_{table} AS DELETE FROM landing.main.{table}")
