"""
Write the marts to one ordinary DuckDB file, for tools that read files.

After a build, the file is copied, the copy is brought up to date, and then the copy replaces the file. A tool that has
the old file open continues to read the old file. A tool that opens the file again reads the new one.
"""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from streams.lake.quoted import quoted
from streams.marts.catalog import Table
from streams.marts.changes import Change
from streams.settings import Settings

__all__ = ["Warehouse", "warehouse"]

_SCHEMAS = ("analytics", "reference")
_OF_THE_RUN = (("marts", "cut"), ("marts", "as_of"), ("published", "builds"))


def warehouse(settings: Settings) -> Path:
    """Return the path of the file. Like the marts, the file contains ids of families."""
    return settings.home / "warehouse.duckdb"


class Warehouse:
    """Writes the file, and notices if another process has replaced it."""

    def __init__(self, settings: Settings) -> None:
        self._target = warehouse(settings)
        self._written: tuple[int, ...] | None = None

    def write(
        self, session: duckdb.DuckDBPyConnection, tables: Iterable[Table], changes: Mapping[str, Change | None]
    ) -> None:
        """
        Bring the file up to date with the marts that were built, and with the log of builds.

        Args:
            session: a session in which `marts` was built and `published` is attached. The session is left as it was.
            tables: the published tables.
            changes: the names of the tables that have changed since the last call, with the changed rows. If the value
                is None, the changed rows are not known.

        Raises:
            duckdb.Error: the marts cannot be read, or the file cannot be written.
            OSError: the disk has no space for the copy, or the file cannot be replaced.
        """
        names = [str(table) for table in tables if table.schema in _SCHEMAS]
        known = self._written is not None and self._written == self._found()
        self._written = None
        with tempfile.TemporaryDirectory(dir=self._target.parent, prefix="warehouse-") as folder:
            made = Path(folder) / self._target.name
            if known:
                shutil.copyfile(self._target, made)
            # A write-ahead log is not needed: no tool has this copy yet, and an unfinished copy is deleted.
            session.execute(f"ATTACH {quoted(made)} AS warehouse (RECOVERY_MODE no_wal_writes)")
            try:
                for schema in (*_SCHEMAS, "run"):
                    session.execute(f"CREATE SCHEMA IF NOT EXISTS warehouse.{schema}")
                for name in (name for name in names if not known or name in changes):
                    _write(session, f"marts.{name}", f"warehouse.{name}", changes.get(name) if known else None)
                for catalog, name in _OF_THE_RUN:
                    _write(session, f"{catalog}.run.{name}", f"warehouse.run.{name}", None)
                session.execute("CHECKPOINT warehouse")
            finally:
                session.execute("DETACH warehouse")
            made.chmod(0o600)
            made.replace(self._target)
        self._written = self._found()

    def _found(self) -> tuple[int, ...] | None:
        """Return facts that identify the file. If another process has replaced the file, these facts are different."""
        try:
            found = self._target.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


def _write(session: duckdb.DuckDBPyConnection, source: str, target: str, change: Change | None) -> None:
    whole = (f"CREATE OR REPLACE TABLE {target} AS FROM {source}",)
    for statement in change.statements(target) if change else whole:
        session.execute(statement)
