"""
The tables with the reports of the parts (`streams.lake.sign`), and with health checks (`health.looks`).

The tables have a schema of their own beside the catalogs, because the lake itself may be broken. All times in them come
from the database, because the parts may run on several machines, and a machine's clock may jump.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg2

from streams.errors import LakeUnavailable
from streams.lake.connect import catalog_dsn
from streams.lake.one_row import one_row
from streams.settings import Settings

__all__ = ["connect", "entered"]

_LOCK = 4_018
"""Key of the advisory lock that protects the creation of the tables."""

_TABLES = """
    SELECT pg_advisory_xact_lock(%s);
    CREATE SCHEMA IF NOT EXISTS health;
    CREATE TABLE IF NOT EXISTS health.home (one boolean PRIMARY KEY CHECK (one), made_at timestamptz NOT NULL);
    INSERT INTO health.home VALUES (true, clock_timestamp()) ON CONFLICT DO NOTHING;
    CREATE TABLE IF NOT EXISTS health.runs (
        run uuid PRIMARY KEY, part text NOT NULL, host text NOT NULL, pid integer NOT NULL,
        started_at timestamptz NOT NULL, beat_at timestamptz NOT NULL, turned_at timestamptz NOT NULL,
        ended_at timestamptz, is_standby boolean NOT NULL, task text NOT NULL, error text NOT NULL, says text NOT NULL
    ) WITH (fillfactor = 50);
    CREATE INDEX IF NOT EXISTS runs_of_part ON health.runs (part, started_at);
    CREATE TABLE IF NOT EXISTS health.looks (
        part text NOT NULL, looked_at timestamptz NOT NULL, done bigint NOT NULL, waiting_seconds float NOT NULL,
        PRIMARY KEY (part, looked_at)
    );
"""

_PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def connect(settings: Settings) -> psycopg2.extensions.connection:
    """
    Connect to the database, and create the tables if they are missing.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    dsn = catalog_dsn(settings)
    with ExitStack() as unfinished:
        try:
            connection: psycopg2.extensions.connection = psycopg2.connect(
                dsn, application_name="caf-health", **_PATIENCE
            )
            unfinished.callback(connection.close)
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass('health.looks') IS NULL")
                if one_row(cursor)[0]:
                    cursor.execute(_TABLES, [_LOCK])
        except psycopg2.Error as error:
            raise LakeUnavailable(f"PostgreSQL cannot store reports of the parts: {type(error).__name__}") from None
        unfinished.pop_all()
    return connection


@contextmanager
def entered(settings: Settings) -> Iterator[psycopg2.extensions.cursor]:
    """
    Run one transaction on a new connection.

    Raises:
        LakeUnavailable: PostgreSQL does not answer, or refuses the transaction.
    """
    with closing(connect(settings)) as connection:
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error as error:
            raise LakeUnavailable(f"PostgreSQL ended the transaction: {type(error).__name__}") from None
