"""
The catalog `marts` where dbt builds: what a build starts from, and how it is handed over to readers.

A build is made there and published whole, in one transaction: readers see one cut, and nothing of a build that
failed (`docs/decisions/0009-marts-are-published-whole.md`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import duckdb

from streams.lake.quoted import quoted
from streams.lake.transaction import transaction
from streams.marts.changes import Change, state

__all__ = ["Publisher", "Table", "take_over"]

_CUT = """
    CREATE SCHEMA IF NOT EXISTS marts.run;
    CREATE OR REPLACE TABLE marts.run.cut AS FROM published.run.next_cut;
    CREATE OR REPLACE TABLE marts.run.as_of AS FROM published.run.next_as_of;
"""

_NEED = {
    "authority_code": "VARCHAR",
    "area_level": "VARCHAR",
    "area_code": "VARCHAR",
    "area_name": "VARCHAR",
    "period_kind": "VARCHAR",
    "period_start": "DATE",
    "period_end": "DATE",
    "is_partial": "BOOLEAN",
    "measure": "VARCHAR",
    "numerator": "BIGINT",
    "value": "DOUBLE",
}
_RESTATEMENTS = {
    "restated_at": "TIMESTAMP",
    "published_at": "TIMESTAMP",
    "authority_code": "VARCHAR",
    "area_level": "VARCHAR",
    "area_code": "VARCHAR",
    "area_name": "VARCHAR",
    "period_start": "DATE",
    "period_end": "DATE",
    "measure": "VARCHAR",
    "numerator_from": "BIGINT",
    "numerator_to": "BIGINT",
    "value_from": "DOUBLE",
    "value_to": "DOUBLE",
    "causes": "VARCHAR[]",
}
"""Columns of what a first build finds nothing of."""

_BEFORE = """
    CREATE SCHEMA IF NOT EXISTS marts.before;
    CREATE OR REPLACE TABLE marts.before.mart_locality_need AS
    SELECT authority_code, area_level, area_code, area_name, period_start, period_end, measure, numerator, value
    FROM {need} WHERE period_kind = 'month' AND NOT is_partial AND area_level <> 'lsoa';
    CREATE OR REPLACE TABLE marts.before.mart_restatements AS FROM {restatements};
    CREATE OR REPLACE TABLE marts.before.cut AS FROM {cut};
    CREATE OR REPLACE TABLE marts.before.as_of AS FROM {as_of};
"""


@dataclass(frozen=True)
class Table:
    """A table that readers are to have, as `schema.name`."""

    schema: str
    name: str
    description: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def take_over(session: duckdb.DuckDBPyConnection, seeds: Iterable[Table]) -> None:
    """
    What a build starts from: its cut, what readers had before it, and the seeds that are not loaded again.

    Raises:
        duckdb.Error: the marts of the lake cannot be read.
    """
    session.execute(_CUT)
    session.execute(_before(session))
    for seed in seeds:
        session.execute(f"CREATE SCHEMA IF NOT EXISTS marts.{seed.schema}")
        session.execute(f"CREATE OR REPLACE TABLE marts.{seed} AS FROM published.{seed}")


def _before(session: duckdb.DuckDBPyConnection) -> str:
    """The months that were over, what had been restated, and at which cut; empty where a lake lacks what they need."""
    columns = {
        f"{table}.{column}"
        for table, column in session.execute(
            "SELECT table_name, column_name FROM duckdb_columns() "
            "WHERE database_name = 'published' AND schema_name = 'analytics'"
        ).fetchall()
    }
    has_need = "mart_locality_need.measure" in columns
    return _BEFORE.format(
        need="published.analytics.mart_locality_need" if has_need else _empty(_NEED),
        restatements="published.analytics.mart_restatements"
        if "mart_restatements.causes" in columns
        else _empty(_RESTATEMENTS),
        cut="published.run.cut" if has_need else "marts.run.cut LIMIT 0",
        as_of="published.run.as_of" if has_need else "marts.run.as_of LIMIT 0",
    )


def _empty(columns: Mapping[str, str]) -> str:
    nulls = ", ".join(f"CAST(NULL AS {type_}) AS {name}" for name, type_ in columns.items())
    return f"(SELECT {nulls} WHERE false)"


_FEW = 20_000
"""A table of so many rows is written whole as quickly as some of them are replaced."""


class Publisher:
    """
    Copies what was built to the lake's `marts`, all in one transaction; what has not changed is left there.

    It remembers what it published, which counts only as long as nobody else has published since: see `forget`.
    """

    def __init__(self) -> None:
        self._published: dict[str, tuple[int, int | None] | None] = {}

    def forget(self) -> None:
        """Somebody else has published since: every table is to be written."""
        self._published.clear()

    def publish(
        self,
        session: duckdb.DuckDBPyConnection,
        built: Collection[Table],
        *,
        kept: Collection[Table],
        changes: Mapping[str, Change | None],
    ) -> dict[str, Change | None]:
        """
        Make the tables that were built those of readers, with the cut, and drop what is neither built nor kept.

        Returns the names of those that are others than before, with what has changed of them; None: perhaps all.

        Args:
            session: where `marts` was built and `published` is attached.
            built: the tables that were built.
            kept: tables that stay as they are.
            changes: what is known to have changed, and nothing else, since the last time; None: nothing at all.

        Raises:
            duckdb.Error: the lake cannot be written; nothing was published.
        """
        is_first = not self._published
        known = {name: change for name, change in changes.items() if name in self._published}
        states = {table: state(session, f"marts.{table}") for table in built if str(table) not in known}
        written: dict[str, Change | None] = {
            str(table): None for table, found in states.items() if self._published.get(str(table)) != found
        }
        written |= {str(table): known[str(table)] for table in built if known.get(str(table))}
        try:
            with transaction(session):
                for name in ("cut", "as_of"):
                    session.execute(f"CREATE OR REPLACE TABLE published.run.{name} AS FROM marts.run.{name}")
                for table in (table for table in built if str(table) in written):
                    _write(session, table, written[str(table)])
                if is_first:
                    for old in _others(session, {*built, *kept}):
                        session.execute(f"DROP TABLE published.{old}")
        except duckdb.Error:
            self.forget()
            raise
        # What a table that has changed adds up to is not worth reading all of it: made anew, it is taken for changed.
        self._published |= {str(table): found for table, found in states.items()}
        self._published |= {name: None for name, change in known.items() if change}
        return written


def _write(session: duckdb.DuckDBPyConnection, table: Table, change: Change | None) -> None:
    if change and session.execute(f"SELECT count(*) FROM marts.{table}").fetchone()[0] > _FEW:
        for statement in change.statements(f"published.{table}"):
            session.execute(statement)
        return
    session.execute(f"CREATE SCHEMA IF NOT EXISTS published.{table.schema}")
    session.execute(f"CREATE OR REPLACE TABLE published.{table} AS FROM marts.{table}")
    session.execute(f"COMMENT ON TABLE published.{table} IS {quoted(table.description)}")


def _others(session: duckdb.DuckDBPyConnection, known: Collection[Table]) -> list[str]:
    """Published tables of the same schemas that no model makes any more: figures that would never change again."""
    names, schemas = {str(table) for table in known}, [table.schema for table in known]
    found = session.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE database_name = 'published' AND list_contains($1, schema_name)",
        [schemas],
    ).fetchall()
    return sorted({name for (name,) in found} - names)
