"""Figures of past months that change: what is logged about the changes, and how to rebuild the former figures."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from streams.cli.build import command
from streams.errors import FileTaken
from streams.marts import build_as_of
from streams.names import REFERRAL

pytestmark = pytest.mark.long

LOGGED = """
    SELECT area_level, area_code, numerator_from, numerator_to, causes FROM marts.analytics.mart_restatements
    WHERE measure = 'referrals' AND area_level IN ('authority', 'ward') ORDER BY restated_at, area_level
"""
WARD = "E05000954"


@pytest.fixture
def logged(warm):
    return lambda: warm.lake.duckdb.execute(LOGGED).fetchall()


def test_first_figures_restate_nothing(warm, make, logged):
    warm.lake.land(make.referral("R1"), make.referral("R2", "F2"))
    warm.builder.build(full=True)

    assert logged() == []


def test_late_arrival_and_withdrawal_are_logged_with_the_former_figure(warm, make, logged):
    """June is over with two referrals. A late referral makes the figure three, and a withdrawal makes it two again."""
    warm.lake.land(make.referral("R3", "F3"))
    warm.builder.build(tests=False)
    warm.lake.withdraw(make.referral("R1"), f"e-{REFERRAL}-0")
    warm.builder.build(tests=True)

    assert logged() == [
        ("authority", "E08000015", 2, 3, ["late_arrival"]),
        ("ward", WARD, 2, 3, ["late_arrival"]),
        ("authority", "E08000015", 3, 2, ["withdrawal"]),
        ("ward", WARD, 3, 2, ["withdrawal"]),
    ]


def test_build_that_changes_nothing_logs_nothing(warm, logged):
    before = logged()
    warm.builder.build(tests=False)

    assert logged() == before


def test_past_day_is_rebuilt_as_it_was(warm, make, tmp_path: Path):
    """Every table that was published at a time is built again with the same rows."""
    moment = datetime.now(UTC)
    warm.lake.beat(moment, {REFERRAL: [4]})
    warm.builder.build(tests=False)
    (tables,) = warm.lake.duckdb.execute(
        "SELECT list(schema_name || '.' || table_name) FROM duckdb_tables() WHERE database_name = 'marts' "
        "AND schema_name IN ('staging', 'intermediate', 'alerts', 'analytics') AND table_name <> 'mart_restatements'"
    ).fetchone()
    warm.lake.duckdb.execute("DELETE FROM landing.main.heartbeats")
    then = {table: rows(warm.lake.duckdb, f"marts.{table}") for table in tables}
    warm.lake.land(make.referral("R4", "F4"), make.contact("F2"))
    warm.lake.withdraw(make.referral("R2", "F2"), f"e-{REFERRAL}-1")
    warm.builder.build(tests=False)
    file = tmp_path / "then.duckdb"
    snapshot = build_as_of(warm.settings, moment, file)

    assert snapshot.offsets == {REFERRAL: [4]}
    with duckdb.connect(file, read_only=True) as found:
        again = {table: rows(found, table) for table in tables}
    assert len(tables) > 40
    assert [table for table in tables if again[table] != then[table]] == []
    assert rows(warm.lake.duckdb, "marts.analytics.fct_referrals") != then["analytics.fct_referrals"]


def test_existing_file_is_left_alone(warm, tmp_path: Path):
    file = tmp_path / "mine.duckdb"
    file.write_text("mine")

    with pytest.raises(FileTaken, match=r"mine\.duckdb cannot be made: it already exists"):
        build_as_of(warm.settings, datetime.now(UTC), file)
    assert file.read_text() == "mine"


def test_a_day_and_a_file_go_together():
    result = CliRunner().invoke(command, ["--as-of", "2026-10-31"])

    assert result.exit_code == 2
    assert "give --as-of and --into together" in result.output


def rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple]:
    return sorted(connection.execute(f"FROM {table}").fetchall(), key=repr)
