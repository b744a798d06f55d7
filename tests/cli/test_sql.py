"""`./caf sql`, and the lines that it prints for other tools."""

import duckdb
import pytest
from click.testing import CliRunner

from streams.cli.sql import command
from streams.lake.connect import connect, install_extensions
from streams.settings import Settings


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
    install_extensions()
    lines = run(fresh_settings, "--attach")
    with duckdb.connect() as other:
        other.execute(lines)

        assert other.execute("SELECT n FROM marts.analytics.toy").fetchone() == (42,)
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            other.execute("DELETE FROM marts.analytics.toy")


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
