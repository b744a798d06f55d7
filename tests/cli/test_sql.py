"""`./caf sql`, and the lines that it prints for other tools."""

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from dashboard.access.accounts import Accounts
from streams.cli.sql import command
from streams.lake.connect import connect, extension_file
from streams.settings import Settings

PASSWORD = "correct horse battery"


def run(settings: Settings, *words: str) -> str:
    result = CliRunner().invoke(command, list(words), env=settings.to_env(), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_printed_lines_attach_the_lake_to_any_duckdb(fresh_settings: Settings) -> None:
    """
    The lake is attached read-only. The DuckDB extensions come from the installed packages, because a test has no
    network.
    """
    with connect(fresh_settings, marts="read_write") as lake:
        lake.execute("CREATE SCHEMA marts.analytics; CREATE TABLE marts.analytics.toy AS SELECT 42 AS n")
    with duckdb.connect() as other:
        for name in ("postgres_scanner", "ducklake"):
            other.execute(f"INSTALL '{extension_file(name)}'")
    lines = run(fresh_settings, "--attach")
    with duckdb.connect() as other:
        other.execute(lines)

        assert other.execute("SELECT n FROM marts.analytics.toy").fetchone() == (42,)
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            other.execute("DELETE FROM marts.analytics.toy")


def test_analyst_does_not_see_records_as_they_arrived(fresh_settings: Settings) -> None:
    connect(fresh_settings).close()
    asked = CliRunner().invoke(command, ["FROM landing.main.events"], env=fresh_settings.to_env())

    assert asked.exit_code == 1
    assert "landing" in asked.stderr


def test_desk_role_needs_the_login_of_a_whole_desk(fresh_settings: Settings, tmp_path: Path) -> None:
    """A wrong password, an account for figures and an unknown account are told apart by nobody."""
    accounts = Accounts(fresh_settings.home)
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text(f"{PASSWORD}\n")
    wrong.write_text("something else")
    words = ["SELECT count(*) AS n FROM landing.main.events", "--format", "csv", "--role", "desk"]

    def ask(name: str, file: Path) -> Result:
        login = ["--as", name, "--password-file", str(file)]
        return CliRunner().invoke(command, [*words, *login], env=fresh_settings.to_env())

    accounts.add("sql-desk", PASSWORD, "desk")
    accounts.add("sql-figures", PASSWORD, "figures")
    try:
        assert (ask("sql-desk", secret).exit_code, ask("sql-desk", secret).stdout) == (0, "n\n0\n")
        refused = [ask("sql-desk", wrong), ask("sql-figures", secret), ask("nobody", secret)]
        assert {one.exit_code for one in refused} == {1}
        assert len({one.stderr.splitlines()[-1] for one in refused}) == 1
        asked = CliRunner().invoke(command, words, env=fresh_settings.to_env())
        assert (asked.exit_code, "--password-file" in asked.stderr) == (2, True)
    finally:
        accounts.remove("sql-desk")
        accounts.remove("sql-figures")


def test_query_cannot_read_variables_of_the_program(fresh_settings: Settings) -> None:
    asked = CliRunner().invoke(command, ["FROM settings"], env=fresh_settings.to_env())

    assert asked.exit_code == 1
    assert "Python" not in asked.stderr


def test_a_query_that_is_piped_in_needs_no_semicolon(fresh_settings: Settings) -> None:
    """DuckDB's own shell would wait for a semicolon until its input ends, and then print no result."""
    asked = CliRunner().invoke(command, ["--format", "csv"], input="SELECT 42 AS n", env=fresh_settings.to_env())
    wrong = CliRunner().invoke(command, [], input="SELECT FROM;", env=fresh_settings.to_env())

    assert (asked.exit_code, asked.stdout) == (0, "n\n42\n")
    assert (wrong.exit_code, wrong.stdout) == (1, "")


def test_the_marts_as_they_stood_before_can_be_asked_for(fresh_settings: Settings) -> None:
    with connect(fresh_settings, marts="read_write") as lake:
        lake.execute("CREATE SCHEMA marts.analytics; CREATE TABLE marts.analytics.toy AS SELECT 1 AS n")
        (version,) = lake.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('marts')").fetchone()
        lake.execute("CREATE OR REPLACE TABLE marts.analytics.toy AS SELECT 2 AS n")
    now = run(fresh_settings, "FROM marts.analytics.toy", "--format", "csv")
    before = run(fresh_settings, f"FROM marts.analytics.toy AT (VERSION => {version})", "--format", "csv")

    assert (before, now) == ("n\n1\n", "n\n2\n")
