"""What an analyst can see of the lake in SQL, through DuckDB and through PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import duckdb
import psycopg2
import pytest
from psycopg2 import errors

from streams.errors import LakeUnavailable
from streams.lake.connect import catalog_dsn, connect, connect_as
from streams.lake.lock_rights import close_locks, lock_takers
from streams.lake.postgres import Postgres
from streams.lake.roles import ANALYST_SCHEMAS, SqlRole, ensure_analyst
from streams.settings import PROJECT, Settings

FIGURE, SECRET = "a figure", "F-secret-0001"


@pytest.fixture
def built(fresh_settings: Settings) -> Settings:
    """A lake with a table of analysts, and with tables of the desk in both catalogs."""
    with connect(fresh_settings, landing="read_write", marts="read_write") as lake:
        for schema in (*ANALYST_SCHEMAS, "staging"):
            lake.execute(f"CREATE SCHEMA marts.{schema}")
        lake.execute(f"CREATE TABLE marts.analytics.figures AS SELECT '{FIGURE}' AS said")
        lake.execute(f"CREATE TABLE marts.staging.families AS SELECT '{SECRET}' AS family_id")
        lake.execute(f"CREATE VIEW marts.staging.all_families AS SELECT '{SECRET}' AS family_id")
        lake.execute(f"INSERT INTO landing.main.events BY NAME SELECT '{SECRET}' AS family_id")
    return fresh_settings


@pytest.fixture
def analyst(built: Settings, postgres: Postgres) -> Iterator[psycopg2.extensions.cursor]:
    """
    A connection to PostgreSQL itself as somebody who may be an analyst and nothing else. An administrator would make
    such a login. The test's server knows users of the machine only, so the session takes the role and gives up its own.
    """
    with closing(psycopg2.connect(catalog_dsn(built))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("DROP ROLE IF EXISTS anna; CREATE ROLE anna LOGIN IN ROLE caf_analyst")
            cursor.execute("SET SESSION AUTHORIZATION anna")
            yield cursor
    with closing(psycopg2.connect(postgres.url)) as connection, connection.cursor() as cursor:
        cursor.execute("DROP ROLE anna")
        connection.commit()


def test_analyst_reads_the_marts_of_analysts_and_no_other_schema(built: Settings) -> None:
    with connect_as(built, SqlRole.ANALYST) as lake:
        assert lake.execute("FROM marts.analytics.figures").fetchall() == [(FIGURE,)]
        for hidden in ("marts.staging.families", "marts.staging.all_families", "landing.main.events"):
            with pytest.raises((duckdb.CatalogException, duckdb.BinderException)):
                lake.execute(f"FROM {hidden}")
        shown = lake.execute("SELECT DISTINCT database, schema, name FROM (SHOW ALL TABLES)").fetchall()

    assert shown == [("marts", "analytics", "figures")]


def test_the_desk_reads_everything(built: Settings) -> None:
    with connect_as(built, SqlRole.DESK) as lake:
        assert lake.execute("FROM marts.staging.families").fetchall() == [(SECRET,)]
        assert lake.execute("SELECT family_id FROM landing.main.events").fetchall() == [(SECRET,)]


def test_nobody_writes(built: Settings) -> None:
    for role in SqlRole:
        with connect_as(built, role) as lake, pytest.raises(duckdb.InvalidInputException, match="read-only"):
            lake.execute("DELETE FROM marts.analytics.figures")


def test_catalog_shows_an_analyst_no_key_of_the_desks_files(
    built: Settings, analyst: psycopg2.extensions.cursor
) -> None:
    """Nor the files' names, the smallest and largest values of their columns, or the text of views."""
    with closing(psycopg2.connect(catalog_dsn(built))) as connection, connection.cursor() as everything:
        everything.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'marts'")
        tables = [name for (name,) in everything.fetchall()]
        everything.execute("SELECT count(*), count(encryption_key) FROM marts.ducklake_data_file")
        assert everything.fetchone() == (2, 2)
    analyst.execute("SELECT count(*) FROM marts.ducklake_data_file")
    assert analyst.fetchone() == (1,)

    for table in tables:
        analyst.execute(f"SELECT t::text FROM marts.{table} t")
        assert not [row for (row,) in analyst.fetchall() if SECRET in row or "families" in row.split(",")]
    analyst.execute("SELECT schema_name FROM marts.ducklake_schema ORDER BY 1")
    assert [name for (name,) in analyst.fetchall()] == sorted(ANALYST_SCHEMAS)


@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT * FROM landing.ducklake_data_file",
        "SELECT * FROM watch.events",
        "UPDATE marts.ducklake_schema SET schema_name = 'analytics'",
        "INSERT INTO marts.ducklake_schema SELECT * FROM marts.ducklake_schema",
        "ALTER TABLE marts.ducklake_data_file DISABLE ROW LEVEL SECURITY",
        "DROP POLICY caf_analyst ON marts.ducklake_data_file",
        "SET ROLE postgres",
        "CREATE TABLE marts.mine (n int)",
        "SELECT pg_read_file('postgresql.conf')",
        "COPY marts.ducklake_schema TO PROGRAM 'true'",
        "SET row_security = off; SELECT * FROM marts.ducklake_data_file",
        # The watcher's lock and those of landing, builds and backups, in every way in which a lock can be taken.
        "SELECT pg_advisory_lock(3001)",
        "SELECT pg_try_advisory_lock(4002, 0)",
        "SELECT pg_advisory_lock_shared(4004)",
        "SELECT pg_try_advisory_lock_shared(4021)",
        "SELECT pg_advisory_xact_lock(3001)",
        "SELECT pg_try_advisory_xact_lock(4003)",
        "SELECT pg_advisory_xact_lock_shared(4001)",
        "SELECT pg_try_advisory_xact_lock_shared(3004)",
        "SELECT pg_advisory_unlock_all()",
    ],
)
def test_analyst_is_refused(analyst: psycopg2.extensions.cursor, attempt: str) -> None:
    """A `watch` schema exists only if a watcher has run: without it, there is nothing to refuse."""
    with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedTable)):
        analyst.execute(attempt)


def test_tables_that_a_newer_ducklake_adds_are_closed_until_they_have_rights(built: Settings) -> None:
    """The next connection gives the rights, and other tables keep theirs."""
    with closing(psycopg2.connect(catalog_dsn(built))) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE marts.ducklake_new (table_id BIGINT, value TEXT)")
        cursor.execute("INSERT INTO marts.ducklake_new SELECT table_id, table_name FROM marts.ducklake_table")
        connection.commit()
        connect(built).close()
        cursor.execute("SET ROLE caf_analyst; SELECT value FROM marts.ducklake_new")

        assert cursor.fetchall() == [("figures",)]
    with connect_as(built, SqlRole.ANALYST) as lake:
        assert lake.execute("FROM marts.analytics.figures").fetchall() == [(FIGURE,)]


def test_user_of_postgresql_who_may_not_make_the_role_is_told_so(built: Settings) -> None:
    """Everything else works as before, so this is no error yet. `./caf sql` then says what an administrator must do."""
    with closing(psycopg2.connect(catalog_dsn(built))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            assert ensure_analyst(cursor) is None
            cursor.execute("CREATE TABLE marts.ducklake_new (table_id BIGINT)")
            cursor.execute("DROP ROLE IF EXISTS lara; CREATE ROLE lara; GRANT USAGE ON SCHEMA marts TO lara")
            cursor.execute("SET SESSION AUTHORIZATION lara")
            try:
                assert "GRANT caf_analyst TO" in ensure_analyst(cursor)
            finally:
                cursor.execute("RESET SESSION AUTHORIZATION; DROP OWNED BY lara; DROP ROLE lara")


def test_analyst_cannot_read_a_table_whose_rights_are_not_finished(built: Settings) -> None:
    """The rows would be readable whole, as long as the catalog is in use or after the process was killed."""
    with closing(psycopg2.connect(catalog_dsn(built))) as user, user.cursor() as using:
        using.execute("CREATE TABLE marts.ducklake_new (table_id BIGINT)")
        user.commit()
        using.execute("SELECT * FROM marts.ducklake_new")
        connect(built).close()
        using.execute("SELECT has_table_privilege('caf_analyst', 'marts.ducklake_new', 'SELECT')")

        assert using.fetchone() == (False,)


def test_login_that_could_take_the_locks_is_reported(built: Settings, analyst: psycopg2.extensions.cursor) -> None:
    """On a server elsewhere, the lake's user may lack the right to close them. An administrator must then do it."""
    with closing(psycopg2.connect(catalog_dsn(built))) as connection, connection.cursor() as cursor:
        assert lock_takers(cursor) == []
        cursor.execute("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC")
        connection.commit()
        close_locks(analyst)

        assert lock_takers(cursor) == ["anna"]


def test_owner_of_the_database_can_take_locks_without_being_an_administrator(built: Settings) -> None:
    """An administrator may have opened the lake first."""
    with closing(psycopg2.connect(catalog_dsn(built))) as connection, connection.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS olga; CREATE ROLE olga")
        cursor.execute(f"ALTER DATABASE {built.database} OWNER TO olga")
        cursor.execute("SET LOCAL ROLE olga; SELECT pg_advisory_xact_lock(3001)")
        connection.rollback()


def test_statements_of_the_documentation_close_the_locks(built: Settings, analyst: psycopg2.extensions.cursor) -> None:
    begin, end = "DO $$", "END $$;"
    documented = (PROJECT / "docs" / "deploy.md").read_text().partition(begin)[2].partition(end)[0]
    with closing(psycopg2.connect(catalog_dsn(built))) as connection, connection.cursor() as cursor:
        cursor.execute("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), pg_advisory_unlock_all() TO PUBLIC")
        connection.commit()
        analyst.execute("SELECT pg_advisory_lock(1), pg_advisory_unlock_all()")
        cursor.execute("DROP ROLE IF EXISTS olga; CREATE ROLE olga")
        cursor.execute(f"{begin}{documented.replace('the_user', 'olga')}{end}")
        connection.commit()
        try:
            with pytest.raises(errors.InsufficientPrivilege):
                analyst.execute("SELECT pg_advisory_lock(1)")
            cursor.execute("SET LOCAL ROLE olga; SELECT pg_advisory_lock(1), pg_advisory_unlock_all()")
        finally:
            connection.rollback()
            cursor.execute("DROP OWNED BY olga; DROP ROLE olga")
            connection.commit()


def test_locks_of_other_databases_stay_open(built: Settings, postgres: Postgres) -> None:
    """Airflow and other programs take locks in databases of their own."""
    with closing(psycopg2.connect(postgres.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('public', 'pg_advisory_lock(bigint)', 'EXECUTE')")

        assert cursor.fetchone() == (True,)


def test_catalog_in_use_is_not_blocked_by_an_upgrade(built: Settings) -> None:
    """The rights of a new table need its lock. While a transaction has it, nobody waits for long."""
    with closing(psycopg2.connect(catalog_dsn(built))) as user, user.cursor() as using:
        using.execute("CREATE TABLE marts.ducklake_new (table_id BIGINT)")
        user.commit()
        using.execute("SELECT * FROM marts.ducklake_new")
        with pytest.raises(LakeUnavailable, match="in use"):
            connect_as(built, SqlRole.ANALYST)
        user.commit()

    connect_as(built, SqlRole.ANALYST).close()


@pytest.mark.parametrize("role", SqlRole)
def test_nobody_deletes_the_files_that_they_cannot_see(built: Settings, role: SqlRole) -> None:
    """An analyst sees few files of the catalog. DuckLake would take all others for files that belong to no table."""
    files = set(Path(built.lake_folder).rglob("*.parquet"))
    with connect_as(built, role) as lake, pytest.raises(duckdb.InvalidInputException, match="readonly"):
        lake.execute("CALL ducklake_delete_orphaned_files('marts', older_than => now() + INTERVAL 1 DAY)")

    assert set(Path(built.lake_folder).rglob("*.parquet")) == files


def test_analyst_deletes_no_file_that_waits_for_its_deletion(fresh_settings: Settings) -> None:
    """Readers of an older snapshot still need it. DuckLake deletes first, and then finds that it may only read."""
    connect(fresh_settings).close()
    with connect(fresh_settings, landing=None, marts="read_write") as lake:
        lake.execute("CREATE SCHEMA IF NOT EXISTS marts.analytics; CREATE TABLE marts.analytics.old AS SELECT 1 AS a")
        lake.execute("DROP TABLE marts.analytics.old")
        lake.execute("CALL ducklake_expire_snapshots('marts', older_than => now())")
    waiting = set(Path(fresh_settings.lake_folder).rglob("*.parquet"))
    with suppress(duckdb.Error), connect_as(fresh_settings, SqlRole.ANALYST) as lake:
        lake.execute("CALL ducklake_cleanup_old_files('marts', cleanup_all => true)")

    assert len(waiting) == 1
    assert set(Path(fresh_settings.lake_folder).rglob("*.parquet")) == waiting
