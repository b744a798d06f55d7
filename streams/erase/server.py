"""
Remove what PostgreSQL still has of deleted rows: dead rows, statistics and the write-ahead log.

To rewrite a table, PostgreSQL must be alone with it. While it waits for this, whoever comes later waits as well, for
example `land`. And an analyst's transaction that has read the catalog may be open for hours. So PostgreSQL waits for a
moment only, and tries the table again later.
"""

import time
from contextlib import closing

import psycopg2
from psycopg2 import errors, sql

from streams.errors import ErasureUnfinished
from streams.lake.connect import catalog_dsn
from streams.lake.one_row import one_row
from streams.settings import Settings

__all__ = ["forget_dead_rows"]

_CATALOGS = ("landing", "marts")
_TEXT_STATISTICS = """
    UPDATE {catalog}.ducklake_table_column_stats AS stats SET min_value = NULL, max_value = NULL
    FROM {catalog}.ducklake_column AS described
    WHERE described.table_id = stats.table_id AND described.column_id = stats.column_id
      AND lower(described.column_type) IN ('varchar', 'blob', 'json')
"""
"""
DuckLake keeps the smallest and the largest value of each column, and does not correct them when rows are deleted.

A missing value only means that it is unknown. New files have correct statistics of their own.
"""
_TABLES = """
    SELECT pg_class.oid, nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'm') AND relpersistence <> 't'
"""
_HOLDERS = """
    SELECT DISTINCT coalesce(nullif(application_name, ''), 'a program without a name'), pid
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE granted AND relation = ANY (%s) AND pid <> pg_backend_pid()
        AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY pid
"""
_OLDER = """
    SELECT DISTINCT coalesce(nullif(application_name, ''), 'a program without a name'), pid
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type IN ('client backend', 'parallel worker')
        AND greatest(age(backend_xid), age(backend_xmin)) > age(%s::xid)
    ORDER BY pid
"""
"""On a server elsewhere, PostgreSQL shows the transactions of other users only to members of `pg_read_all_stats`."""
_LOCK_TIMEOUT = "1s"
_PAUSE_SECONDS = 2.0
"""How long those who waited behind PostgreSQL can go on before it waits for another table."""
_PATIENCE_SECONDS = 900.0
"""The watcher may need minutes to fill its tables from the lake. If the erasure is repeated, it begins again."""


def forget_dead_rows(settings: Settings) -> bool:
    """
    Rewrite all tables of the lake's database, and replace the files of the write-ahead log.

    Returns:
        Whether the log was replaced. On a server elsewhere, this may not be allowed. That server's own archives and
        replicas keep their copies anyway.

    Raises:
        ErasureUnfinished: somebody uses a table, or keeps a transaction open, for too long.
    """
    with closing(psycopg2.connect(catalog_dsn(settings))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for catalog in _CATALOGS:
                cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{catalog}.ducklake_table_column_stats"])
                if one_row(cursor)[0]:
                    cursor.execute(sql.SQL(_TEXT_STATISTICS).format(catalog=sql.Identifier(catalog)))
            # The planner's statistics contain frequent values. They are rows of a table, too, so this comes first.
            cursor.execute("ANALYZE")
            deadline = time.monotonic() + _PATIENCE_SECONDS
            _wait_for_older(cursor, deadline)
            _rewrite_tables(cursor, deadline)
            return not settings.postgres and _replace_log(cursor)


def _wait_for_older(cursor: psycopg2.extensions.cursor, deadline: float) -> None:
    """
    Wait for all transactions that still see the deleted rows.

    PostgreSQL keeps these rows for them, even when it rewrites a table that they have never read.
    """
    cursor.execute("SELECT pg_current_xact_id()::xid::text")
    (now,) = one_row(cursor)
    while holders := _named(cursor, _OLDER, now):
        if time.monotonic() > deadline:
            raise ErasureUnfinished(
                f"PostgreSQL still has deleted rows, because older transactions are open: {holders}. Let them end, and "
                "repeat the command"
            )
        time.sleep(_PAUSE_SECONDS)


def _named(cursor: psycopg2.extensions.cursor, query: str, value: object) -> str:
    """Return the programs that a query finds, with their processes."""
    cursor.execute(query, [value])
    return ", ".join(f"{name} (process {pid})" for name, pid in cursor.fetchall())


def _rewrite_tables(cursor: psycopg2.extensions.cursor, deadline: float) -> None:
    cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
    cursor.execute(_TABLES)
    left = cursor.fetchall()
    while left:
        in_use = [table for table in left if not _is_rewritten(cursor, *table[1:])]
        if in_use and time.monotonic() > deadline:
            holders = _named(cursor, _HOLDERS, [oid for oid, *_ in in_use])
            raise ErasureUnfinished(
                f"PostgreSQL still has deleted rows in {len(in_use)} tables, because others have used these tables for "
                f"{_PATIENCE_SECONDS:.0f} s: {holders or 'they have just ended'}. Let them end, and repeat the command"
            )
        left = in_use


def _is_rewritten(cursor: psycopg2.extensions.cursor, schema: str, table: str) -> bool:
    """Rewrite a table. Return whether this was possible: nobody else used it, or it was dropped meanwhile."""
    try:
        cursor.execute(sql.SQL("VACUUM FULL {}").format(sql.Identifier(schema, table)))
    except errors.LockNotAvailable:
        time.sleep(_PAUSE_SECONDS)
        return False
    except errors.UndefinedTable:
        return True
    return True


def _replace_log(cursor: psycopg2.extensions.cursor) -> bool:
    """
    Let the server go through all its log files twice, so that it overwrites each of them.

    At a checkpoint, the server keeps used files for later, with their old content. When it goes on to such a file and
    switches to the next one, it fills the rest of the file with zeros. The second round is for the files that the
    server still used at the first checkpoint.
    """
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if not one_row(cursor)[0]:
        return False
    for _ in range(2):
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT count(*) FROM pg_ls_waldir()")
        (count,) = one_row(cursor)
        for _ in range(count + 1):
            cursor.execute("SELECT pg_logical_emit_message(false, 'caf', 'erased'), pg_switch_wal()")
    cursor.execute("CHECKPOINT")
    return True
