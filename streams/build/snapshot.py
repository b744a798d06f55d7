"""
The marts as one plain DuckDB file, for tools that want a file: replaced whole after a build.

Whoever has the old file open goes on reading it; whoever opens it anew has the new one.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import duckdb

from streams.build.memory import Table
from streams.lake.quoted import quoted
from streams.settings import Settings

__all__ = ["warehouse", "write_warehouse"]

_SCHEMAS = ("analytics", "reference")
_OF_THE_RUN = (("marts", "cut"), ("marts", "as_of"), ("published", "builds"))


def warehouse(settings: Settings) -> Path:
    """Where the file is; it holds ids of families, like the marts."""
    return settings.home / "warehouse.duckdb"


def write_warehouse(session: duckdb.DuckDBPyConnection, tables: Iterable[Table], target: Path) -> None:
    """
    Copy the marts to the file, from the memory of the build that made them, and the log of builds.

    Args:
        session: where `marts` is in memory and `published` is attached; it is left as it was.
        tables: what readers have of them.
        target: the file, which is replaced.

    Raises:
        duckdb.Error: the marts cannot be read, or the file cannot be written.
        OSError: there is no room beside the file, or it cannot be replaced.
    """
    copied = [(f"marts.{table}", str(table)) for table in tables if table.schema in _SCHEMAS]
    copied += [(f"{catalog}.run.{name}", f"run.{name}") for catalog, name in _OF_THE_RUN]
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="warehouse-") as folder:
        written = Path(folder) / target.name
        session.execute(f"ATTACH {quoted(written)} AS warehouse")
        try:
            for schema in (*_SCHEMAS, "run"):
                session.execute(f"CREATE SCHEMA warehouse.{schema}")
            for source, name in copied:
                session.execute(f"CREATE TABLE warehouse.{name} AS FROM {source}")
        finally:
            session.execute("DETACH warehouse")
        written.chmod(0o600)
        written.replace(target)
