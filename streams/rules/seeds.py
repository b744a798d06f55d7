"""The project's seeds, as rows for code that reads them without dbt, and as tables in an engine's database."""

import csv
from pathlib import Path

import duckdb

from streams.rules.compiled import DBT_PROJECT, CompiledRules

__all__ = ["attach_seeds", "seed_rows"]


def seed_rows(name: str, project: Path = DBT_PROJECT) -> list[dict[str, str]]:
    """Return every row of a seed as a dict from column name to value. All values are text."""
    with (project / "seeds" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def attach_seeds(connection: duckdb.DuckDBPyConnection, compiled: CompiledRules) -> list[str]:
    """
    Copy the seeds that the models name into the catalog `marts`, with the types that dbt gave them.

    Return the names of their relations.
    """
    run = connection.execute
    named = compiled.names_below(None)
    run(f"ATTACH '{compiled.seeds}' AS seeds (READ_ONLY)")
    tables = run("SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'seeds'").fetchall()
    found = [(schema, table) for schema, table in tables if table in named]
    for schema, table in found:
        run(f'CREATE SCHEMA IF NOT EXISTS marts."{schema}"')
        run(f'CREATE TABLE marts."{schema}"."{table}" AS FROM seeds."{schema}"."{table}"')
    run("DETACH seeds")
    return [f"marts.{schema}.{table}" for schema, table in found]
