"""
Limits that administrators set for everyone in a database or a role, and that must not end what happens here.

A build or a landing may think for minutes in the middle of a transaction. DuckDB ends the whole process when the
server ends its session there, and sessions of DuckDB take no settings from us. So the role says for itself, in this
database, that they do not hold.
"""

import psycopg2.extensions
import structlog
from psycopg2 import errors, sql

from streams.lake.lock_keys import LockKey
from streams.lake.session import configure

__all__ = ["lift_limits"]

log = structlog.get_logger()

_WANTED = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "default_transaction_isolation": "read committed",
}
_OTHERS = """
    SELECT name, given.value, current_database()
    FROM unnest(%s, %s) AS given (name, value)
    JOIN pg_settings USING (name)
    WHERE setting <> given.value
"""


def lift_limits(cursor: psycopg2.extensions.cursor) -> None:
    """
    Lift them for this session, and for later ones of its role in its database; where none is set that is one question.

    Args:
        cursor: of a connection that commits by itself.
    """
    cursor.execute(_OTHERS, [list(_WANTED), list(_WANTED.values())])
    limits = cursor.fetchall()
    if not limits:
        return
    configure(cursor, _WANTED)
    cursor.execute("SELECT pg_advisory_lock(%s)", [LockKey.CREATION])
    try:
        for name, value, database in limits:
            cursor.execute(
                sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {} SET {} = {}").format(
                    sql.Identifier(database), sql.Identifier(name), sql.Literal(value)
                )
            )
        log.info("limits_lifted", database=limits[0][2], settings=[name for name, *_ in limits])
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction):
        return  # Whoever only reads, or must not, goes on with what it has.
    finally:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LockKey.CREATION])
