"""
Roles for SQL: which schemas of the lake a connection can see.

A role is a role of PostgreSQL. The lake's catalog is in PostgreSQL, so row security on DuckLake's own tables decides
which schemas, tables and files a connection learns of. It also hides the keys of the files, without which nobody can
read a file of an encrypted lake, even if they have the file.
"""

from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final

import psycopg2
from psycopg2 import errors, sql

from streams.lake.creation import alone_in_creation
from streams.lake.one_row import one_row
from streams.names import CATALOG_MARTS

__all__ = ["ANALYST_SCHEMAS", "POSTGRES_ROLE", "SqlRole", "ensure_analyst"]


class SqlRole(StrEnum):
    """Who asks in SQL. Each role sees everything that the one before it sees, and more."""

    ANALYST = "analyst"
    """Sees the figures and facts that the marts publish (`ANALYST_SCHEMAS`), and nothing of the landing catalog."""
    DESK = "desk"
    """Sees both catalogs: every record as it arrived, every intermediate step, and the audit."""


POSTGRES_ROLE: Final = "caf_analyst"
"""The role of PostgreSQL behind `SqlRole.ANALYST`."""

ANALYST_SCHEMAS: Final = ("analytics", "public", "reference", "run")
"""The schemas of the marts that analysts see."""

_EVERYBODY = "caf_everybody"
_WITHOUT_DATA = "^ducklake_(?!inlined_data_[0-9])"
"""
Matches DuckLake's own tables, except those with rows of data. The lake writes no rows there, but no key would protect
them.
"""

_UNPROTECTED = """
    SELECT array_agg(relname::text) FROM pg_class
    WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' AND relname ~ %s AND NOT relrowsecurity
"""
_COLUMNS = """
    SELECT table_name, array_agg(column_name::text) FROM information_schema.columns
    WHERE table_schema = %s AND table_name = ANY (%s)
    GROUP BY table_name
"""
_OF_ALL = frozenset({"ducklake_schema_versions"})
"""Tables that are read whole, although they have the column of a table's id: it is often empty."""
_OF_NOBODY = frozenset({"ducklake_files_scheduled_for_deletion"})
"""
Tables of which analysts see no row. DuckLake deletes the files in this one before it finds out that the caller may
only read.
"""


def ensure_analyst(cursor: psycopg2.extensions.cursor) -> str | None:
    """
    Make sure that the role of analysts exists, and that it sees only the schemas of analysts.

    If nothing is missing, this costs one query. Return what to do if the role is not ready, and None if it is.

    Args:
        cursor: a cursor of an autocommit connection to the lake's database. The catalog of the marts must exist.
    """
    cursor.execute(_UNPROTECTED, [CATALOG_MARTS, _WITHOUT_DATA])
    if one_row(cursor)[0] is None:
        return None
    try:
        with alone_in_creation(cursor):
            _protect(cursor)
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction):
        return (
            f"this user of PostgreSQL cannot make the role {POSTGRES_ROLE}; let an administrator run "
            f"CREATE ROLE {POSTGRES_ROLE}; GRANT {POSTGRES_ROLE} TO the user"
        )
    except errors.LockNotAvailable:
        return "the catalog is in use, so analysts cannot be given their rights now; try again in a minute"
    return None


def _protect(cursor: psycopg2.extensions.cursor) -> None:
    """Create the role, and give it its rights on each table that has no row security yet."""
    # Others wait behind whoever waits for a table. In a catalog that is in use, a later connection tries again.
    cursor.execute("SET lock_timeout = '2s'")
    try:
        _create_role(cursor)
        cursor.execute(_UNPROTECTED, [CATALOG_MARTS, _WITHOUT_DATA])
        cursor.execute(_COLUMNS, [CATALOG_MARTS, one_row(cursor)[0]])
        for name, columns in cursor.fetchall():
            # PostgreSQL runs the statements of one string in one transaction. So a table is never readable without its
            # policies, even if this process waits in vain for the table, or is killed.
            cursor.execute(sql.SQL("; ").join(_rights(name, columns)))
    finally:
        cursor.execute("RESET lock_timeout")


def _create_role(cursor: psycopg2.extensions.cursor) -> None:
    """Create the role, which cannot log in, let this user act as it, and let it enter the catalog of the marts."""
    role = sql.Identifier(POSTGRES_ROLE)
    cursor.execute("SELECT to_regrole(%s) IS NULL", [POSTGRES_ROLE])
    if one_row(cursor)[0]:
        # Roles belong to the whole server. The process of another lake may be first.
        with suppress(errors.DuplicateObject, errors.UniqueViolation):
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    cursor.execute("SELECT pg_has_role(current_user, %s, 'SET')", [POSTGRES_ROLE])
    if not one_row(cursor)[0]:
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(CATALOG_MARTS), role))


def _rights(name: str, columns: Sequence[str]) -> list[sql.Composable]:
    """
    Return the statements that give the role its rights on one of DuckLake's tables. They belong in one transaction.

    Everybody else sees all rows, as before.
    """
    role, schema = sql.Identifier(POSTGRES_ROLE), sql.Identifier(CATALOG_MARTS)
    table, everybody = sql.Identifier(CATALOG_MARTS, name), sql.Identifier(_EVERYBODY)
    return [
        sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(table),
        sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(everybody, table),
        sql.SQL("CREATE POLICY {} ON {} USING (true) WITH CHECK (true)").format(everybody, table),
        sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(role, table),
        sql.SQL("CREATE POLICY {} ON {} AS RESTRICTIVE FOR SELECT TO {} USING ({})").format(
            role, table, role, _visible(name, columns, schema)
        ),
        sql.SQL("GRANT SELECT ON {} TO {}").format(table, role),
    ]


def _visible(name: str, columns: Sequence[str], schema: sql.Identifier) -> sql.Composable:
    """Return the condition for the rows that analysts see."""
    if name in _OF_ALL:
        return sql.SQL("true")
    if name in _OF_NOBODY:
        return sql.SQL("false")
    if "schema_name" in columns:
        return sql.SQL("schema_name IN ({})").format(sql.SQL(", ").join(map(sql.Literal, ANALYST_SCHEMAS)))
    if "schema_id" in columns:
        return sql.SQL("schema_id IN (SELECT schema_id FROM {}.ducklake_schema)").format(schema)
    if "table_id" in columns:
        return sql.SQL("table_id IN (SELECT table_id FROM {}.ducklake_table)").format(schema)
    return sql.SQL("true")
