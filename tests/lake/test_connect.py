"""The lake's catalogs: the first process that connects creates them, and a wrong setup is refused."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from streams.contracts.landing import landing_tables
from streams.errors import LakeUnavailable
from streams.lake import sign_table
from streams.lake.advisory import advisory_lock
from streams.lake.connect import attach_statements, catalog_dsn, connect, extension_file
from streams.lake.lock_keys import LockKey
from streams.lake.locks import LandingLocks
from streams.lake.postgres import Postgres
from streams.lake.schema import ensure_landing
from streams.lake.session import Session
from streams.settings import Settings

OPENERS: dict[str, Callable[[Settings], object]] = {
    "connection": connect,
    "statements": attach_statements,
    "lock": lambda settings: advisory_lock(settings, LockKey.BUILD).__enter__(),
    "landing locks": lambda settings: LandingLocks(settings, [0]),
    "signs of life": sign_table.connect,
}


def _columns(lake: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [name for name, *_ in lake.execute(f"DESCRIBE landing.main.{table}").fetchall()]


def test_first_reader_finds_every_table(fresh_settings: Settings) -> None:
    """A reader can query the tables before any process has written to them."""
    with connect(fresh_settings) as lake:
        found = {table: _columns(lake, table) for table in landing_tables()}

    assert found == {name: list(table.columns) for name, table in landing_tables().items()}


def test_duckdb_notices_that_the_server_is_gone(fresh_settings: Settings) -> None:
    """Without these options, a failover that sends no reset would stop a part for hours."""
    own = replace(fresh_settings, postgres=f"{Postgres.of(fresh_settings).url}&keepalives_idle=9")
    for statement in attach_statements(own):
        assert "keepalives_idle=9&" in statement
        assert "keepalives=1&keepalives_interval=2&keepalives_count=3&tcp_user_timeout=15000" in statement
    connect(own).close()


def test_processes_that_start_together_make_one_catalog(fresh_settings: Settings) -> None:
    """When a new stack starts, several processes connect at the same time."""

    def count(_: int) -> int:
        with connect(fresh_settings) as lake:
            return lake.execute("SELECT count(*) FROM landing.main.events").fetchone()[0]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(count, range(4))) == [0] * 4


@pytest.mark.parametrize("catalog", ["landing", "marts"])
def test_reader_cannot_write(fresh_settings: Settings, catalog: str) -> None:
    with connect(fresh_settings) as lake, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        lake.execute(f"CREATE TABLE {catalog}.main.new_table (n INTEGER)")


def test_column_that_the_contract_gained_is_added(fresh_settings: Settings) -> None:
    """Within v1, an event type may gain an optional field. Earlier rows have NULL in the field's column."""
    with connect(fresh_settings, landing="read_write") as lake:
        lake.execute("ALTER TABLE landing.main.events DROP COLUMN gateway")
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT 1 AS kafka_offset")
        ensure_landing(lake)

        assert lake.execute("SELECT kafka_offset, gateway FROM landing.main.events").fetchall() == [(1, None)]


def test_nothing_is_inlined(fresh_settings: Settings) -> None:
    """Inlined inserts in DuckLake take quadratic time, and have lost rows."""
    with connect(fresh_settings, landing="read_write") as lake:
        for table in landing_tables():
            lake.execute(f"INSERT INTO landing.main.{table} BY NAME SELECT NULL AS {_columns(lake, table)[0]}")
        files = lake.execute("SELECT file_count FROM ducklake_table_info('landing')").fetchall()

    assert files == [(1,)] * len(landing_tables())


def test_other_folder_than_the_catalog_knows_is_refused(fresh_settings: Settings, tmp_path: Path) -> None:
    """The rows that the catalog lists would be missing in the other folder."""
    connect(fresh_settings).close()

    with pytest.raises(LakeUnavailable, match="does not match existing data path"):
        connect(replace(fresh_settings, lake_data=str(tmp_path / "elsewhere")))


def test_unreachable_catalog_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    away = replace(settings, postgres=f"postgresql://postgres:secret@/caf?host={tmp_path}")

    with pytest.raises(LakeUnavailable) as caught:
        connect(away)

    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("open_lake", OPENERS.values(), ids=OPENERS)
def test_opening_the_lake_starts_no_server(open_lake: Callable[[Settings], object], tmp_path: Path) -> None:
    """The error names the remedy. Nothing is created in the home, so nothing was started either."""
    down = Settings(home=tmp_path / "home")

    with pytest.raises(LakeUnavailable, match=r"^PostgreSQL does not answer \(.+\); start it with './caf up', or name"):
        open_lake(down)
    assert not down.home.exists()


def test_statements_attach_another_session(fresh_settings: Settings) -> None:
    """The statements that dbt gets for attaching the catalogs work in a separate session."""
    with connect(fresh_settings, landing=None, marts=None) as session:
        for statement in attach_statements(fresh_settings, marts="read_write"):
            session.execute(statement)
        session.execute("CREATE SCHEMA marts.run")

        assert session.execute("SELECT count(*) FROM landing.main.alerts").fetchone() == (0,)


def test_limits_for_everyone_end_no_transaction_of_the_lake(fresh_settings: Settings) -> None:
    """A lake is opened, set up and written with pauses in between, although the database has strict time limits."""
    limits = {
        "statement_timeout": "300ms",
        "lock_timeout": "1ms",
        "idle_in_transaction_session_timeout": "100ms",
        "idle_session_timeout": "100ms",
        "transaction_timeout": "300ms",
        "default_transaction_isolation": "serializable",
    }
    with closing(Session(catalog_dsn(fresh_settings), "a test")) as session:
        for name, value in limits.items():
            session.command(f"ALTER DATABASE {fresh_settings.database} SET {name} = '{value}'")
    with connect(fresh_settings, landing="read_write") as lake:
        lake.execute("BEGIN")
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT 1 AS kafka_offset")
        time.sleep(1)
        lake.execute("COMMIT")
        time.sleep(1)

        assert lake.execute("SELECT count(*) FROM landing.main.events").fetchall() == [(1,)]


def test_session_loads_no_extension_that_nobody_has_signed(fresh_settings: Settings, tmp_path: Path) -> None:
    """A query could otherwise run any code. The lake's own extensions are loaded before."""
    (tmp_path / "evil.duckdb_extension").write_bytes(extension_file("ducklake").read_bytes()[:-256] + bytes(256))
    with connect(fresh_settings) as lake:
        with pytest.raises(duckdb.IOException, match="signature"):
            lake.execute(f"LOAD '{tmp_path}/evil.duckdb_extension'")
        with pytest.raises(duckdb.InvalidInputException, match="Cannot change"):
            lake.execute("SET allow_unsigned_extensions = true")
