"""
Copy the rows of the lake's catalogs, and load such a copy into another database.

Both catalogs are read in one transaction, so they fit each other. Only what belongs to the newest snapshot of each
catalog is copied: files of earlier snapshots may be removed at any time. The tables are copied with COPY through an
ordinary connection. So neither the version of PostgreSQL's own tools nor that of the other server matters.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Any

import psycopg2
from psycopg2 import sql

from streams.backup.manifest import Table
from streams.errors import BackupFailed, BackupInvalid, RestoreRefused
from streams.lake.connect import catalog_dsn, data_path
from streams.lake.one_row import one_row
from streams.lake.session import configure, open_connection
from streams.lake.unfinished import forget_mark, is_marked, mark
from streams.names import CATALOG_LANDING, CATALOG_MARTS
from streams.settings import Settings

__all__ = ["CATALOGS", "Copied", "copy_catalogs", "load_catalogs", "open_to_all", "refuse_loaded"]

CATALOGS = (CATALOG_LANDING, CATALOG_MARTS)
_LAKE_SCHEMAS = [*CATALOGS, "watch", "watch_next"]

_UNLIMITED = {"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}
_TABLES = """
    SELECT relname,
        (
            SELECT json_agg(json_build_array(attname, format_type(atttypid, atttypmod), attnotnull) ORDER BY attnum)
            FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        ),
        (
            SELECT coalesce(json_agg(pg_get_constraintdef(pg_constraint.oid) ORDER BY conname), '[]')
            FROM pg_constraint WHERE conrelid = pg_class.oid AND contype IN ('p', 'u')
        )
    FROM pg_class
    WHERE relnamespace = %s::regnamespace AND relkind = 'r'
    ORDER BY relname
"""
_KEPT = {
    "end_snapshot": "end_snapshot IS NULL",
    "snapshot_id": "snapshot_id = (SELECT max(snapshot_id) FROM {schema}.ducklake_snapshot)",
    "data_file_id": "data_file_id IN (SELECT data_file_id FROM {schema}.ducklake_data_file WHERE end_snapshot IS NULL)",
}
"""
Which rows belong to the newest snapshot. Each condition is used for all tables that have its column.

DuckLake removes the same rows when it expires all older snapshots.
"""
_FILES = """
    SELECT s.path, t.path, f.path, s.path_is_relative AND t.path_is_relative AND f.path_is_relative, f.file_size_bytes
    FROM (
        SELECT table_id, path, path_is_relative, file_size_bytes FROM {schema}.ducklake_data_file
        WHERE end_snapshot IS NULL
        UNION ALL
        SELECT table_id, path, path_is_relative, file_size_bytes FROM {schema}.ducklake_delete_file
        WHERE end_snapshot IS NULL
    ) AS f
    JOIN {schema}.ducklake_table AS t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
    JOIN {schema}.ducklake_schema AS s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL
"""
_LAKE = "SELECT table_uuid::text FROM landing.ducklake_table WHERE table_name = 'events' AND end_snapshot IS NULL"


@dataclass
class Copied:
    """
    What one transaction has read.

    Attributes:
        lake: the id that DuckLake gave the table of events. A restored lake keeps it, and every other lake has another.
        taken_at: the time of the transaction.
        snapshots: the newest snapshot of each catalog.
        tables: the copied tables.
        files: the files of the newest snapshots with their bytes, by path below the lake's folder.
    """

    lake: str
    taken_at: datetime
    snapshots: dict[str, int] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)


def copy_catalogs(settings: Settings, store: Callable[[IO[bytes], str], None]) -> Copied:
    """
    Copy both catalogs as they are at one moment.

    Args:
        store: a function that is called for each table, with its rows as an open file and with the table's name.

    Raises:
        BackupFailed: the lake refers to a file outside its folder.
        LakeUnavailable: PostgreSQL does not answer.
    """
    with _connected(settings, "copies the catalogs") as cursor:
        cursor.connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor.execute(_LAKE)
        (lake,) = one_row(cursor)
        cursor.execute("SELECT transaction_timestamp()")
        copied = Copied(lake, one_row(cursor)[0])
        for schema in CATALOGS:
            cursor.execute(f"SELECT max(snapshot_id) FROM {schema}.ducklake_snapshot")
            copied.snapshots[schema] = one_row(cursor)[0]
            copied.files |= _files(cursor, schema)
            cursor.execute(_TABLES, [schema])
            for name, columns, keys in cursor.fetchall():
                kept = " AND ".join(_KEPT[column] for column, *_ in columns if column in _KEPT) or "true"
                with TemporaryFile(dir=settings.home) as rows:
                    query = f'COPY (SELECT * FROM {schema}."{name}" WHERE {kept.format(schema=schema)}) TO STDOUT'
                    cursor.copy_expert(query, rows)
                    count = cursor.rowcount
                    rows.seek(0)
                    store(rows, f"{schema}.{name}")
                copied.tables.append(Table(schema, name, [tuple(column) for column in columns], keys, count))
        return copied


def refuse_loaded(settings: Settings) -> None:
    """
    Check that a database holds no lake yet, or only one that a restore has left unfinished. Nobody has used such a one.

    Raises:
        RestoreRefused: it holds one.
        LakeUnavailable: PostgreSQL does not answer.
    """
    with _connected(settings, "looks for a lake") as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", [_LAKE_SCHEMAS])
        if cursor.fetchone() and not is_marked(cursor):
            raise RestoreRefused(
                f"database {settings.database!r} holds a lake already, and nothing there is overwritten; let "
                "CAF_DATABASE name a new database"
            )


def load_catalogs(settings: Settings, tables: list[Table], rows_of: Callable[[Table], IO[bytes]], command: str) -> None:
    """
    Make the catalogs in a database that has none, all in one transaction, and mark them as unfinished.

    What an earlier restore has left unfinished is dropped in the same transaction.

    Args:
        rows_of: a function that opens the rows of a table.
        command: the command that finishes the restore.

    Raises:
        BackupInvalid: a table does not have as many rows as the manifest says, or PostgreSQL refuses its rows.
        LakeUnavailable: PostgreSQL does not answer.
    """
    with _connected(settings, "loads the catalogs") as cursor:
        if is_marked(cursor):
            for schema in _LAKE_SCHEMAS:
                cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
            forget_mark(cursor)
        mark(cursor, command)
        for schema in CATALOGS:
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        for table in tables:
            place = sql.Identifier(table.schema, table.name)
            columns = [
                # The server that was copied wrote the types and keys itself.
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type_ + (" NOT NULL" if is_needed else "")))
                for name, type_, is_needed in table.columns
            ]
            parts = sql.SQL(", ").join([*columns, *map(sql.SQL, table.keys)])
            cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(place, parts))
            with closing(rows_of(table)) as rows:
                _load(cursor, table, place, rows)
        for schema in CATALOGS:
            path = f"{data_path(settings, schema)}/"
            cursor.execute(f"UPDATE {schema}.ducklake_metadata SET value = %s WHERE key = 'data_path'", [path])
        cursor.connection.commit()


def open_to_all(settings: Settings) -> None:
    """
    Say that a restored lake is finished, so that other processes open it.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    with _connected(settings, "finishes a restore") as cursor:
        forget_mark(cursor)
        cursor.connection.commit()


def _load(cursor: Any, table: Table, place: sql.Composable, rows: IO[bytes]) -> None:
    try:
        cursor.copy_expert(sql.SQL("COPY {} FROM STDIN").format(place), rows)
    except psycopg2.DataError as error:
        raise BackupInvalid(f"{table.schema}.{table.name} cannot be loaded: {type(error).__name__}") from None
    if cursor.rowcount != table.rows:
        raise BackupInvalid(f"{table.schema}.{table.name} has {cursor.rowcount} rows instead of {table.rows}")


def _files(cursor: Any, schema: str) -> dict[str, int]:
    cursor.execute(_FILES.format(schema=schema))
    found = {}
    for *parts, is_relative, size in cursor.fetchall():
        if not is_relative:
            raise BackupFailed(f"the lake refers to a file outside its folder ({parts[-1]}), which no backup can hold")
        found[str(PurePosixPath(schema, *parts))] = size
    return found


@contextmanager
def _connected(settings: Settings, purpose: str) -> Iterator[Any]:
    """Open a transaction that no time limit of the server ends. It is rolled back unless the block commits it."""
    with closing(open_connection(catalog_dsn(settings), f"caf {purpose}", autocommit=False)) as connection:
        connection.set_client_encoding("UTF8")
        with connection.cursor() as cursor:
            configure(cursor, _UNLIMITED)
            connection.commit()
            yield cursor
