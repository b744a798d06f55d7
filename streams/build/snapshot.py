"""
The marts as one plain DuckDB file, for tools that want a file: replaced whole after a build.

Whoever has the old file open goes on reading it; whoever opens it anew has the new one.
"""

import tempfile
from pathlib import Path

from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["warehouse", "write_warehouse"]

_SCHEMAS = ("analytics", "reference", "run")
_TABLES = """
    SELECT DISTINCT table_schema, table_name FROM information_schema.tables
    WHERE table_catalog = 'marts' AND list_contains($1, table_schema)
"""


def warehouse(settings: Settings) -> Path:
    """Where the file is; it holds ids of families, like the marts."""
    return settings.home / "warehouse.duckdb"


def write_warehouse(settings: Settings) -> Path:
    """
    Copy the published marts, as one build left them, to the file.

    Raises:
        LakeUnavailable: the lake does not answer.
        OSError: the file cannot be written.
    """
    target = warehouse(settings)
    with tempfile.TemporaryDirectory(dir=settings.home, prefix="warehouse-") as folder, connect(settings) as lake:
        written = Path(folder) / target.name
        lake.execute(f"ATTACH '{written}' AS warehouse")
        # One transaction reads one snapshot of the lake: the tables of one build.
        lake.execute("BEGIN")
        for schema, table in lake.execute(_TABLES, [_SCHEMAS]).fetchall():
            lake.execute(f"CREATE SCHEMA IF NOT EXISTS warehouse.{schema}")
            lake.execute(f"CREATE TABLE warehouse.{schema}.{table} AS FROM marts.{schema}.{table}")
        lake.execute("COMMIT")
        lake.execute("DETACH warehouse")
        written.chmod(0o600)
        written.replace(target)
    return target
