"""What the rules stand on in a PostgreSQL database: functions, types, seeds, static models, in one schema."""

import msgspec
import psycopg2.extensions

from streams.errors import LakeUnavailable
from streams.lake.lock_keys import LockKey
from streams.rules.compiled import CompiledRules
from streams.rules.postgres.derive import Derived
from streams.rules.postgres.reference import Reference

__all__ = ["install"]


def install(connection: psycopg2.extensions.connection, compiled: CompiledRules, derived: Derived) -> bool:
    """
    Make the schema in one transaction, unless it is there; the connection has none open.

    Returns:
        Whether it was made.

    Raises:
        LakeUnavailable: the database holds text in another encoding than UTF-8.
    """
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise LakeUnavailable("the rules need a PostgreSQL database in UTF-8; create it with ENCODING 'UTF8'")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LockKey.CREATION])
            cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [derived.schema])
            if is_new := cursor.fetchone() is None:
                _make(cursor, compiled, derived)
            cursor.execute("COMMIT")
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
    return is_new


def _make(cursor: psycopg2.extensions.cursor, compiled: CompiledRules, derived: Derived) -> None:
    cursor.execute(f"CREATE SCHEMA {derived.schema}")
    for command in derived.setup:
        cursor.execute(command)
    reference = Reference(compiled)
    try:
        for name, relation in derived.tables.items():
            _fill(cursor, f'{derived.schema}."{name}"', derived.columns[name], reference.rows(relation))
    finally:
        reference.close()
    for table, column in derived.looked_up:
        cursor.execute(f'CREATE INDEX ON {derived.schema}."{table}" ("{column}")')
    for name in derived.tables:
        cursor.execute(f'ANALYZE {derived.schema}."{name}"')


def _fill(cursor: psycopg2.extensions.cursor, table: str, columns: dict[str, str], rows: list[tuple]) -> None:
    listed = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
    cursor.execute(f"CREATE TABLE {table} ({listed})")
    given = msgspec.json.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()
    cursor.execute(f"INSERT INTO {table} SELECT * FROM json_to_recordset(%s) AS given ({listed})", [given])
