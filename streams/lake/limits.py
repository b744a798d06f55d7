"""
Lift limits that administrators set for a database or a role, because these limits would end long sessions.

A build or a landing may compute for minutes in the middle of a transaction. If the server ends DuckDB's session, DuckDB
aborts the whole process. The settings of DuckDB's PostgreSQL sessions cannot be changed through DuckDB. So this module
switches the limits off in the role's settings for this database.
"""

import psycopg2.extensions
import structlog
from psycopg2 import errors, sql

from streams.lake.creation import alone_in_creation
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
    Lift the limits for this session, and for later sessions of the same role in the same database.

    If no limit is set, this costs one query.

    Args:
        cursor: a cursor of an autocommit connection.
    """
    cursor.execute(_OTHERS, [list(_WANTED), list(_WANTED.values())])
    limits = cursor.fetchall()
    if not limits:
        return
    configure(cursor, _WANTED)
    try:
        with alone_in_creation(cursor):
            for name, value, database in limits:
                cursor.execute(
                    sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {} SET {} = {}").format(
                        sql.Identifier(database), sql.Identifier(name), sql.Literal(value)
                    )
                )
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction):
        return  # The limits stay if the role is read-only or lacks the privilege.
    log.info("limits_lifted", database=limits[0][2], settings=[name for name, *_ in limits])
