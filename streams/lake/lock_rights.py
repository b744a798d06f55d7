"""
Who may take locks in the lake's database.

The locks of the parts are advisory locks. PostgreSQL lets everybody take these who can connect. But whoever takes the
watcher's lock stops all alerts. So in the lake's database, only the users may take locks to whom the database or one of
its schemas belongs. Superusers always may. Each database has rights of its own, so Airflow's database stays as it is.
"""

from contextlib import suppress

import psycopg2.extensions
from psycopg2 import errors, sql

from streams.lake.creation import alone_in_creation
from streams.lake.one_row import one_row
from streams.lake.roles import POSTGRES_ROLE

__all__ = ["close_locks", "lock_takers"]

_STATE = """
    SELECT has_function_privilege('public', oid, 'EXECUTE'), pg_has_role(proowner, 'USAGE')
    FROM pg_proc WHERE oid = 'pg_catalog.pg_advisory_lock(bigint)'::regprocedure
"""
_FUNCTIONS = """
    SELECT string_agg(format('pg_catalog.%I(%s)', proname, pg_get_function_identity_arguments(oid)), ', ')
    FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname LIKE 'pg%advisory%'
"""
_OWNERS = """
    SELECT array_agg(rolname::text) FROM pg_roles
    WHERE oid IN (
        SELECT nspowner FROM pg_namespace
        UNION SELECT 'pg_database_owner'::regrole::oid
    )
"""
_TAKERS = """
    SELECT rolname::text FROM pg_roles
    WHERE rolcanlogin AND NOT rolsuper AND rolname <> current_user
        AND pg_has_role(oid, to_regrole(%s)::oid, 'MEMBER')
        AND has_function_privilege(oid, 'pg_catalog.pg_advisory_lock(bigint)', 'EXECUTE')
        AND oid NOT IN (SELECT nspowner FROM pg_namespace)
    ORDER BY rolname
"""


def close_locks(cursor: psycopg2.extensions.cursor) -> None:
    """
    Let only the owners take locks, if this user of PostgreSQL may change that. Otherwise an administrator must do it.

    If nothing is to be done, this costs one query.

    Args:
        cursor: a cursor of an autocommit connection to the lake's database.
    """
    cursor.execute(_STATE)
    is_open, may_close = one_row(cursor)
    if not is_open or not may_close:
        return
    with suppress(errors.ReadOnlySqlTransaction), alone_in_creation(cursor):
        cursor.execute(_FUNCTIONS)
        functions = sql.SQL(one_row(cursor)[0])
        cursor.execute(_OWNERS)
        owners = sql.SQL(", ").join(map(sql.Identifier, one_row(cursor)[0]))
        # PostgreSQL runs both in one transaction. So no owner is without the right for a moment.
        cursor.execute(
            sql.SQL("REVOKE EXECUTE ON FUNCTION {0} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {0} TO {1}").format(
                functions, owners
            )
        )


def lock_takers(cursor: psycopg2.extensions.cursor) -> list[str]:
    """Return the logins of analysts that could take locks."""
    cursor.execute(_TAKERS, [POSTGRES_ROLE])
    return [name for (name,) in cursor.fetchall()]
