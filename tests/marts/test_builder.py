"""Builds with the real dbt project on a real lake, one after another in one warm process."""

import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from streams.errors import BuildFailed, MartsHeld
from streams.lake.connect import catalog_dsn
from streams.lake.lock_keys import LockKey
from streams.marts import follow
from streams.marts.builder import Builder
from streams.marts.progress import last_build
from streams.names import REFERRAL

REFERRALS = "SELECT count(*) FROM marts.analytics.fct_referrals"


def test_build_reads_only_events_before_the_watermark(warm, make):
    """Records beyond the watcher's watermark are not in the marts, even if these records have landed."""
    warm.lake.land(make.referral("R1"), make.referral("R2", "F2"))
    warm.lake.beat(datetime.now(UTC), {REFERRAL: [1]})
    result = warm.builder.build()

    assert result.snapshot.is_watched
    assert warm.builder.look().is_behind
    assert warm.lake.one(REFERRALS) == 1


def test_warm_build_sees_what_has_landed_since(warm, make):
    warm.lake.beat(datetime.now(UTC), {REFERRAL: [2]})
    assert warm.builder.look().has_news
    warm.builder.build(tests=False)

    assert warm.lake.one(REFERRALS) == 2
    ahead = warm.builder.look()
    assert not ahead.has_news
    assert not ahead.is_behind


def test_watcher_that_catches_up_does_not_set_the_marts_back(warm):
    """The marts contain two records. A heartbeat with a watermark of one record is no reason to build."""
    warm.lake.beat(datetime.now(UTC), {REFERRAL: [1]})

    assert not warm.builder.look().has_news


def test_a_build_under_a_clock_that_was_ahead_is_not_the_last_one(warm):
    """The clock was an hour ahead for a while. Builds after the clock was corrected count as the latest immediately."""
    warm.lake.duckdb.execute(
        "UPDATE marts.run.builds SET started_at = started_at + INTERVAL 1 HOUR, "
        "finished_at = finished_at + INTERVAL 1 HOUR"
    )
    warm.lake.beat(datetime.now(UTC), {REFERRAL: [2]})
    snapshot = warm.builder.build(tests=False).snapshot
    built, _ = last_build(warm.lake.duckdb)
    warm.lake.duckdb.execute(
        "UPDATE marts.run.builds SET started_at = started_at - INTERVAL 1 HOUR, "
        "finished_at = finished_at - INTERVAL 1 HOUR WHERE started_at > now()::TIMESTAMP"
    )

    assert built[REFERRAL] == [2]
    assert snapshot.is_watched


def test_tests_are_due_a_while_after_any_builder_passed_them(warm):
    """The lake records when tests passed, so a new process does not repeat tests that have just passed."""
    assert not warm.builder.are_tests_due()

    warm.lake.duckdb.execute(
        "UPDATE marts.run.builds SET started_at = started_at - INTERVAL 6 MINUTE, "
        "finished_at = started_at - INTERVAL 6 MINUTE + INTERVAL 1 SECOND WHERE is_tested"
    )
    assert warm.builder.are_tests_due()

    warm.lake.duckdb.execute("UPDATE marts.run.builds SET finished_at = started_at + INTERVAL 1 MINUTE WHERE is_tested")
    assert not warm.builder.are_tests_due(), "a build of a minute is tested every ten"


def test_every_build_is_recorded(warm):
    latest = warm.lake.duckdb.execute(
        "SELECT ok, rows, is_watched, cut, is_tested FROM marts.run.builds ORDER BY started_at DESC LIMIT 1"
    ).fetchone()

    assert latest == (True, 2, True, {REFERRAL: [2]}, False)


def test_held_marts_stay_as_they_are(warm, make):
    """While a batch-level expectation fails, no marts are built, and the error gives the reason."""
    warm.lake.land(make.referral("R3", "F3"))
    warm.lake.beat(datetime.now(UTC), {REFERRAL: [3]})
    warm.holds.append("volume_as_in_past_weeks")

    with pytest.raises(MartsHeld, match="volume_as_in_past_weeks"):
        warm.builder.build()
    warm.holds.clear()
    assert warm.lake.one(REFERRALS) == 2


def test_builds_run_one_at_a_time(warm):
    """A second build waits for the lock that the running build holds."""
    with closing(psycopg2.connect(catalog_dsn(warm.settings))) as other, other.cursor() as cursor:
        other.autocommit = True
        cursor.execute("SELECT pg_advisory_lock(%s)", [LockKey.BUILD])
        builder = threading.Thread(target=warm.builder.build, kwargs={"tests": False})
        builder.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'caf build,%%' AND datname = %s"
        while cursor.execute(waiting, [warm.settings.database]) or cursor.fetchone() == (0,):
            time.sleep(0.05)
        time.sleep(0.5)
        assert warm.lake.one(REFERRALS) == 2
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LockKey.BUILD])
        builder.join()

    assert warm.lake.one(REFERRALS) == 3


def test_following_builds_again_when_more_lands(warm, make):
    """`follow` builds at once, builds again after a landing, and ends when no record has landed for a while."""
    warm.lake.duckdb.execute("DELETE FROM landing.main.heartbeats")
    seen = []

    def on_build(result):
        seen.append(warm.lake.one(REFERRALS))
        if len(seen) == 1:
            warm.lake.land(make.referral("R4", "F4"))

    builds = follow(warm.settings, quiet_seconds=2, on_build=on_build)

    assert (builds, seen) == (2, [3, 4])


def test_following_builds_when_nothing_but_the_clock_has_moved(warm, monkeypatch):
    """Deadlines can pass while no record lands, so a build must follow the clock as well."""
    monkeypatch.setattr("streams.marts.builder._CLOCK_EVERY", timedelta(seconds=1))
    moments = []

    follow(
        warm.settings, quiet_seconds=60, until=lambda: len(moments) == 3, on_build=lambda r: moments.append(r.snapshot)
    )

    assert len({snapshot.as_of for snapshot in moments}) == 3
    assert len({snapshot.records for snapshot in moments}) == 1


def test_failed_test_fails_the_build_and_is_recorded(warm, make):
    """
    A row that the contract would never accept fails the build, and the error names the test. The marts do not change.
    """
    warm.lake.land(make.referral("R5", "F5"))
    warm.lake.duckdb.execute(
        "UPDATE landing.main.events SET severity = 'purple', referral_id = NULL WHERE referral_id = 'R5'"
    )

    before = warm.lake.one("SELECT as_of FROM marts.run.as_of")
    with pytest.raises(BuildFailed, match="not_null_fct_referrals_referral_id"):
        warm.builder.build()
    assert warm.lake.one("SELECT as_of FROM marts.run.as_of") == before
    assert warm.lake.one(REFERRALS) == 4
    ok, failed = warm.lake.duckdb.execute(
        "SELECT ok, failed FROM marts.run.builds ORDER BY started_at DESC LIMIT 1"
    ).fetchone()
    assert not ok
    assert any("not_null_fct_referrals_referral_id" in node for node in failed)
    # dbt's cached parse of the project may be the cause, so the cache is deleted.
    assert not (warm.settings.home / "dbt" / "target" / "partial_parse.msgpack").exists()


def test_a_table_that_has_not_changed_is_not_written_again(warm, make, monkeypatch):
    """If a large table has changed, only the changed rows are replaced, so readers continue with the same table."""
    monkeypatch.setattr("streams.marts.catalog._FEW", 20)

    def written(table: str) -> object:
        query = f"SELECT table_uuid FROM ducklake_table_info('marts') WHERE table_name = '{table}'"
        return warm.lake.one(query)

    warm.lake.land(*(make.referral(f"G{n}", f"FG{n}") for n in range(30)))
    warm.builder.build(tests=False)
    tables = ("stg_events", "fct_referrals", "alert_re_referral", "int_need_counts")
    before = {table: written(table) for table in tables}
    warm.lake.land(make.referral("G30", "FG30"))
    warm.builder.build(tests=False)

    assert [table for table in before if written(table) != before[table]] == ["int_need_counts"]
    assert warm.lake.one("SELECT count(*) FROM marts.staging.stg_events WHERE family_id = 'FG30'") == 1
    assert warm.lake.one(f"{REFERRALS} WHERE family_id = 'FG30'") == 1


def test_build_replaces_tables_that_another_process_built_since(warm, make):
    """
    Tables that another process built are replaced, including rows that this process has not read.

    A table that belongs to no model is dropped.
    """
    warm.builder.build(tests=False)
    with Builder(warm.settings) as other:
        warm.lake.land(make.referral("H1", "FH1"))
        other.build(tests=False)
    warm.lake.duckdb.execute("CREATE TABLE marts.analytics.mart_of_last_year AS SELECT 1 AS one")
    warm.lake.land(make.referral("H2", "FH2"))
    warm.builder.build(tests=False)

    assert warm.lake.one(f"{REFERRALS} WHERE family_id IN ('FH1', 'FH2')") == 2
    tables = "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'marts' AND table_name = '{}'"
    assert warm.lake.one(tables.format("mart_of_last_year")) == 0


def test_intermediate_steps_are_not_published(warm):
    tables = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'marts' AND starts_with(table_name, 'int_')"

    steps = warm.lake.duckdb.execute(tables).fetchall()
    assert sorted(name for (name,) in steps) == [
        "int_alert_actions",
        "int_coverage_statements",
        "int_covered_sources",
        "int_family_desk",
        "int_need_counts",
        "int_period_coverage",
    ]
