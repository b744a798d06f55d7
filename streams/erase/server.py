"""Remove what PostgreSQL still has of deleted rows: dead rows, statistics and the write-ahead log."""

from contextlib import closing

import psycopg2
from psycopg2 import sql

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


def forget_dead_rows(settings: Settings) -> bool:
    """
    Rewrite all tables of the lake's database, and replace the files of the write-ahead log.

    Returns:
        Whether the log was replaced. On a server elsewhere, this may not be allowed. That server's own archives and
        replicas keep their copies anyway.
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
            cursor.execute("VACUUM FULL")
            return not settings.postgres and _replace_log(cursor)


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
