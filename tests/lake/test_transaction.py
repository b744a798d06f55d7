"""If the server ends a transaction's session, an error is raised and the process survives."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing

import duckdb
import psycopg2
import pytest

from streams.lake.connect import catalog_dsn, connect
from streams.lake.transaction import transaction
from streams.settings import PROJECT, Settings

COUNT = "SELECT count(*) FROM landing.main.events"
CUT_OFF = """
import sys
from streams.lake.connect import connect
from streams.lake.transaction import transaction
from streams.settings import Settings
try:
    with connect(Settings.from_env(), landing=sys.argv[1]) as lake, transaction(lake, read_only=True):
        lake.execute("SELECT count(*) FROM landing.main.events").fetchall()
        print("in it", flush=True)
        sys.stdin.readline()
        lake.execute("SELECT count(*) FROM landing.main.quarantine").fetchall()
except BaseException as error:
    print("lives", type(error).__module__)
"""


@pytest.fixture
def cut_off(fresh_settings: Settings) -> Callable[[], None]:
    """Ends all other sessions of the database, as a restart of the server does."""

    def end() -> None:
        with closing(psycopg2.connect(catalog_dsn(fresh_settings))) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    return end


@pytest.mark.parametrize("access", ["read_only", "read_write"])
def test_process_lives_when_the_server_ends_its_session(
    fresh_settings: Settings, cut_off: Callable[[], None], access: str
) -> None:
    """A failure would make DuckDB abort the process, so the transaction runs in a separate process."""
    connect(fresh_settings).close()
    environ = {**fresh_settings.to_env(), "PATH": "/usr/bin:/bin"}
    asking = subprocess.Popen(
        [sys.executable, "-c", CUT_OFF, access],
        env=environ,
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while asking.stdout.readline() != "in it\n":
        assert asking.poll() is None
    cut_off()
    answer, _ = asking.communicate("go on\n", timeout=60)

    assert (answer.splitlines()[-1], asking.returncode) == ("lives _duckdb", 0)


def test_transaction_keeps_all_or_nothing(fresh_settings: Settings) -> None:

    def insert(then: str, *, read_only: bool = False) -> None:
        with transaction(lake, read_only=read_only):
            lake.execute("INSERT INTO landing.main.events BY NAME SELECT 1 AS kafka_offset")
            lake.execute(then)

    with connect(fresh_settings, landing="read_write") as lake:
        insert(COUNT)
        with pytest.raises(duckdb.TransactionException, match="read-only"):
            insert(COUNT, read_only=True)
        with pytest.raises(duckdb.CatalogException):
            insert("FROM landing.main.nothing")

        assert lake.execute(COUNT).fetchall() == [(1,)]
