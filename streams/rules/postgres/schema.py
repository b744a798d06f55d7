"""
Create one schema in a PostgreSQL database with everything that the rules need.

The schema contains functions, types, seeds and static models.
"""

from typing import Any

import msgspec

from streams.errors import LakeUnavailable
from streams.lake.lock_keys import LockKey
from streams.lake.session import Session
from streams.rules.compiled import CompiledRules
from streams.rules.postgres.derive import Derived
from streams.rules.postgres.reference import Reference

__all__ = ["install"]


def install(session: Session, compiled: CompiledRules, derived: Derived) -> bool:
    """
    If the schema does not exist, create it in one transaction. The session must have no open transaction.

    Returns:
        Whether this call created the schema.

    Raises:
        LakeUnavailable: the database stores text in an encoding other than UTF-8.
    """
    if session.run("SELECT current_setting('server_encoding')") != [("UTF8",)]:
        raise LakeUnavailable("the rules need a PostgreSQL database in UTF-8; create it with ENCODING 'UTF8'")
    with session.transaction():
        session.run("SELECT pg_advisory_xact_lock($1)", LockKey.CREATION)
        is_new = not session.run("SELECT 1 FROM pg_namespace WHERE nspname = $1", derived.schema)
        if is_new:
            _make(session, compiled, derived)
    return is_new


def _make(session: Session, compiled: CompiledRules, derived: Derived) -> None:
    session.command(f"CREATE SCHEMA {derived.schema}")
    for command in derived.setup:
        session.command(command)
    reference = Reference(compiled)
    try:
        for name, relation in derived.tables.items():
            _fill(session, f'{derived.schema}."{name}"', derived.columns[name], reference.rows(relation))
    finally:
        reference.close()
    for table, column in derived.looked_up:
        session.command(f'CREATE INDEX ON {derived.schema}."{table}" ("{column}")')
    for name in derived.tables:
        session.command(f'ANALYZE {derived.schema}."{name}"')


def _fill(session: Session, table: str, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
    listed = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
    session.command(f"CREATE TABLE {table} ({listed})")
    given = msgspec.json.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()
    session.run(f"INSERT INTO {table} SELECT * FROM json_to_recordset($1) AS given ({listed})", given)
