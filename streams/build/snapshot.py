"""
The marts as one plain DuckDB file, for tools that want a file: replaced whole after a build.

Whoever has the old file open goes on reading it; whoever opens it anew has the new one.
"""

import tempfile
from pathlib import Path

import duckdb

from streams.settings import Settings

__all__ = ["warehouse", "write_warehouse"]

_SCHEMAS = ("analytics", "reference", "run")
_TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_catalog = 'marts' AND list_contains($1, table_schema)
"""


def warehouse(settings: Settings) -> Path:
    """Where the file is; it holds ids of families, like the marts."""
    return settings.home / "warehouse.duckdb"


def write_warehouse(lake: duckdb.DuckDBPyConnection, target: Path) -> None:
    """
    Copy the published marts, as one build left them, to the file.

    Args:
        lake: where `marts` is attached; it is left as it was.
        target: the file, which is replaced.

    Raises:
        duckdb.Error: the marts cannot be read, or the file cannot be written.
        OSError: there is no room beside the file, or it cannot be replaced.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="warehouse-") as folder:
        written = Path(folder) / target.name
        lake.execute(f"ATTACH '{written}' AS warehouse")
        try:
            _copy(lake)
        finally:
            lake.execute("DETACH warehouse")
        written.chmod(0o600)
        written.replace(target)


def _copy(lake: duckdb.DuckDBPyConnection) -> None:
    """In one transaction, which reads one snapshot of the lake: the tables of one build."""
    lake.execute("BEGIN")
    try:
        for schema, table in lake.execute(_TABLES, [_SCHEMAS]).fetchall():
            lake.execute(f"CREATE SCHEMA IF NOT EXISTS warehouse.{schema}")
            lake.execute(f"CREATE TABLE warehouse.{schema}.{table} AS FROM marts.{schema}.{table}")
        lake.execute("COMMIT")
    except duckdb.Error:
        lake.execute("ROLLBACK")
        raise
