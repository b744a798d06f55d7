"""
An in-memory DuckDB with every relation of the rules.

It has the columns of all relations, but only the rows of relations that never change.
"""

from typing import Any

import duckdb
import pyarrow as pa

from streams.rules.compiled import CompiledRules
from streams.rules.inputs import columns_named
from streams.rules.run_tables import RUN_TABLES
from streams.rules.seeds import attach_seeds

__all__ = ["Reference"]


class Reference:
    """
    The seeds with their rows, the inputs without rows, and a table for each model. Only static models are filled.

    Relations are named `catalog.schema.table`.
    """

    def __init__(self, compiled: CompiledRules) -> None:
        self._connection = duckdb.connect()
        run = self._connection.execute
        run("SET TimeZone = 'UTC'")
        run("ATTACH ':memory:' AS landing; ATTACH ':memory:' AS marts")
        run(RUN_TABLES)
        for table, columns in columns_named(compiled).items():
            self._connection.register("empty", pa.schema(list(columns.items())).empty_table())
            run(f"CREATE TABLE landing.main.{table} AS FROM empty")
            self._connection.unregister("empty")
        self.seeds = attach_seeds(self._connection, compiled)
        for model in compiled.models.values():
            run(f"CREATE SCHEMA IF NOT EXISTS {model.relation.rpartition('.')[0]}")
            run(f"CREATE TABLE {model.relation} AS FROM (\n{model.sql}\n) {'' if model.is_static else 'LIMIT 0'}")

    def close(self) -> None:
        """Free the database's memory."""
        self._connection.close()

    def columns(self, relation: str) -> dict[str, str]:
        """Return the columns of a relation with their DuckDB types."""
        return {row[0]: row[1] for row in self._connection.execute(f"DESCRIBE FROM {relation}").fetchall()}

    def rows(self, relation: str) -> list[tuple[Any, ...]]:
        """Return the rows of a relation."""
        return self._connection.execute(f"FROM {relation}").fetchall()
