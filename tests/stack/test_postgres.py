"""The embedded PostgreSQL server: where it listens, that it survives a kill, and which addresses lead to it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg2
import pytest
import sqlalchemy

from streams.errors import LakeUnavailable
from streams.lake.postgres import Postgres
from streams.settings import Settings
from streams.stack import postgres as embedded
from streams.stack import processes

MakeHome = Callable[[str], Path]


def _value(dsn: str, query: str) -> object:
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_missing_database_is_created(postgres: Postgres) -> None:
    """Asking for a database's address creates the database. Asking a second time leaves it unchanged."""
    dsn = postgres.dsn("made_by_asking")
    _value(dsn, "CREATE TABLE kept AS SELECT 1 AS number; SELECT 1")

    assert _value(postgres.dsn("made_by_asking"), "SELECT number FROM kept") == 1


def test_dropped_database_is_empty_when_asked_for_again(postgres: Postgres) -> None:
    """Dropping a database also ends open connections. The database's name can then be used again."""
    holder = psycopg2.connect(postgres.dsn("dropped"))
    postgres.drop("dropped")
    tables = _value(postgres.dsn("dropped"), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")

    assert tables == 0
    holder.close()


def test_sqlalchemy_address_reaches_the_same_database(postgres: Postgres) -> None:
    """An address in SQLAlchemy's form, as Airflow needs it, and one in libpq's form lead to the same database."""
    with sqlalchemy.create_engine(postgres.sqlalchemy("shared")).connect() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar()

    assert name == _value(postgres.dsn("shared"), "SELECT current_database()")


def test_server_listens_on_no_network_address(postgres: Postgres, settings: Settings) -> None:
    """Only users who may enter the server's folder can reach the server."""
    assert [place for process in processes.members(settings.home, embedded.NAME) for place in listening(process)] == []


def listening(process: psutil.Process) -> list[object]:
    """
    List the network addresses on which a process listens. A process for one connection may have ended in the
    meantime.
    """
    try:
        return [place for place in process.net_connections("inet") if place.status == psutil.CONN_LISTEN]
    except psutil.NoSuchProcess:
        return []


def test_killed_server_returns_with_its_data(make_home: MakeHome) -> None:
    """After `kill -9`, the next call starts the server again, and committed data are still there."""
    settings = Settings(home=make_home("home"))
    try:
        dsn = embedded.start(settings).dsn("caf")
        _value(dsn, "CREATE TABLE kept AS SELECT 7 AS number; SELECT 1")
        psutil.Process(processes.find(settings.home, embedded.NAME).pid).kill()

        assert _value(embedded.start(settings).dsn("caf"), "SELECT number FROM kept") == 7
    finally:
        embedded.stop(settings)


def test_interrupted_first_start_is_done_again(make_home: MakeHome) -> None:
    """A half-made data folder is made again. Until it is complete, it never has its final name."""
    settings = Settings(home=make_home("home"))
    half = settings.home / f"{embedded.NAME}.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    try:
        assert _value(embedded.start(settings).dsn("caf"), "SELECT current_database()") == "caf"
        assert not half.exists()
    finally:
        embedded.stop(settings)


@pytest.mark.parametrize(
    "name",
    ['it\'s a "home", with commas', "Höme 家", "long" * 40],
    ids=["odd characters", "other letters", "long path"],
)
def test_home_may_have_any_path(make_home: MakeHome, name: str) -> None:
    """Quotes, blanks, commas, and a path that is too long for a socket are allowed."""
    settings = Settings(home=make_home(name))
    try:
        assert _value(embedded.start(settings).dsn("caf"), "SELECT current_database()") == "caf"
    finally:
        assert embedded.stop(settings)


def test_second_stop_finds_nothing(make_home: MakeHome) -> None:
    """`stop` can be called again, and returns whether a server was running."""
    settings = Settings(home=make_home("home"))
    embedded.start(settings)

    assert [embedded.stop(settings), embedded.stop(settings)] == [True, False]


def test_named_server_is_used_instead(postgres: Postgres, tmp_path: Path) -> None:
    """With `CAF_POSTGRES`, no server is started, and the database is created on the named server."""
    settings = Settings(home=tmp_path / "unused", postgres=postgres.url)

    assert _value(embedded.start(settings).dsn("named"), "SELECT current_database()") == "named"
    assert not settings.home.exists()


def test_silent_server_is_reported_in_one_sentence(settings: Settings, tmp_path: Path) -> None:
    """If a named server does not answer, the error states that fact, without the driver's traceback."""
    away = replace(settings, postgres=f"postgresql://postgres@/caf?host={tmp_path}")

    with pytest.raises(LakeUnavailable, match="PostgreSQL does not answer"):
        embedded.start(away).dsn("caf")
