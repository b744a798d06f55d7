"""
Move tables between the build database (catalog `marts`) and the marts that readers see (catalog `published`).

A build is published as a whole, in one transaction. So all tables that readers see belong to one snapshot, and readers
see nothing of a failed build (`docs/decisions/0009-marts-are-published-whole.md`).

Before a build, `take_over` fills the build database:

1. `take_over` copies the snapshot that was stored for this build.
2. `take_over` copies the data with which the build compares its results: the last build's figures for complete months,
   the restatements so far, and the last build's snapshot.
3. `take_over` copies the seeds that this build does not load again.

After a build, `Publisher.publish` copies the tables to the published marts:

1. `publish` finds the tables that have changed. For a table that grew, the build already knows which rows changed. For
   every other table, `publish` compares the number of rows and the sum of their hashes with those at the last
   publication.
2. `publish` begins a transaction and writes the snapshot.
3. `publish` writes each changed table. If the changed rows are known and the table has more than 20,000 rows, `publish`
   replaces only those rows. Otherwise `publish` writes the whole table.
4. `publish` does not know what was published last if the process has just started, if the last publication failed, or
   if another process has published since. It then also drops the tables that no model makes any more.
5. `publish` commits. If a step failed, readers keep the marts that they had, and `publish` forgets what it published.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import duckdb

from streams.lake.one_row import one_row
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
"""
The columns of two published tables. If a table does not exist yet, as in a first build, an empty table with these
columns takes its place.
"""

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
    """A table for readers. `str()` returns `schema.name`."""

    schema: str
    name: str
    description: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def take_over(session: duckdb.DuckDBPyConnection, seeds: Iterable[Table]) -> None:
    """
    Fill the build database with everything that a build needs before it begins.

    These are the snapshot, the seeds that are not loaded again, and the data of the last build that are needed for
    comparisons.

    Raises:
        duckdb.Error: the marts of the lake cannot be read.
    """
    session.execute(_CUT)
    session.execute(_before(session))
    for seed in seeds:
        session.execute(f"CREATE SCHEMA IF NOT EXISTS marts.{seed.schema}")
        session.execute(f"CREATE OR REPLACE TABLE marts.{seed} AS FROM published.{seed}")


def _before(session: duckdb.DuckDBPyConnection) -> str:
    """
    Return the statements that copy the last build's complete months, restatements and snapshot.

    If the lake lacks a table or column that is needed, the statements make an empty table instead.
    """
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
"""Up to this number of rows, writing the whole table is as quick as replacing some of its rows."""


class Publisher:
    """
    Publishes the built tables in one transaction, and does not write tables that have not changed.

    The publisher remembers what it published last. Call `forget` after another process has published, because the
    publisher's memory is then out of date.
    """

    def __init__(self) -> None:
        self._published: dict[str, tuple[int, int | None] | None] = {}

    def forget(self) -> None:
        """Treat every table as changed, because another process has published or a publication failed."""
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
        Publish the built tables and their snapshot, and drop tables that were neither built nor kept.

        Args:
            session: a session in which `marts` was built and `published` is attached.
            built: the tables that were built.
            kept: tables that stay as they are.
            changes: by table name, the rows that have changed since the last publication. If the value is None, no row
                changed. For a table that is not in `changes`, the changed rows are not known.

        Returns:
            The names of the tables that were written, with their changed rows. If the value is None, any row may have
            changed.

        Raises:
            duckdb.Error: the lake cannot be written. Nothing was published.
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
        # If only some rows of a table were written, its sum of hashes is not computed, because that would mean reading
        # the whole table. When such a table is rebuilt the next time, it counts as changed.
        self._published |= {str(table): found for table, found in states.items()}
        self._published |= {name: None for name, change in known.items() if change}
        return written


def _write(session: duckdb.DuckDBPyConnection, table: Table, change: Change | None) -> None:
    if change and one_row(session.execute(f"SELECT count(*) FROM marts.{table}"))[0] > _FEW:
        for statement in change.statements(f"published.{table}"):
            session.execute(statement)
        return
    session.execute(f"CREATE SCHEMA IF NOT EXISTS published.{table.schema}")
    session.execute(f"CREATE OR REPLACE TABLE published.{table} AS FROM marts.{table}")
    session.execute(f"COMMENT ON TABLE published.{table} IS {quoted(table.description)}")


def _others(session: duckdb.DuckDBPyConnection, known: Collection[Table]) -> list[str]:
    """Find published tables that no model makes any more. If they stayed, their figures would never be updated."""
    names, schemas = {str(table) for table in known}, [table.schema for table in known]
    found = session.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE database_name = 'published' AND list_contains($1, schema_name)",
        [schemas],
    ).fetchall()
    return sorted({name for (name,) in found} - names)
