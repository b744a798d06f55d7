"""What a part records about its own health. If recording fails, the part must not be disturbed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.errors import LakeUnavailable
from streams.health.runs import read_signs
from streams.lake.sign import sign_of_life
from streams.settings import Settings
from streams.stack.ports import free_ports

SECRET = "F-4711 Jane Doe"
Sql = Callable[..., list[tuple]]


def test_run_that_ends_well_is_recorded_as_such(fresh_settings: Settings) -> None:
    with sign_of_life(fresh_settings, "land") as sign:
        sign.turn()
    (run,) = read_signs(fresh_settings).runs

    assert (run.part, run.is_alive, run.has_failed, run.error) == ("land", False, False, "")
    assert run.started_at <= run.ended_at


def test_error_is_raised_unchanged_and_recorded(fresh_settings: Settings) -> None:
    with pytest.raises(LakeUnavailable), sign_of_life(fresh_settings, "land"):
        raise LakeUnavailable("the lake refused a commit: IOException")
    (run,) = read_signs(fresh_settings).runs

    assert (run.has_failed, run.error, run.says) == (
        True,
        "LakeUnavailable",
        "the lake refused a commit: IOException",
    )


def test_message_of_another_error_is_not_kept_but_its_line_is(fresh_settings: Settings) -> None:
    """Libraries put data into their error messages, so only the error's type and line are kept."""
    with pytest.raises(ValueError, match=SECRET), sign_of_life(fresh_settings, "watch"):
        raise ValueError(SECRET)
    (run,) = read_signs(fresh_settings).runs

    assert run.error == "ValueError"
    assert run.says.startswith("tests/health/test_sign.py, line ")
    assert SECRET not in str(run)


def test_being_asked_to_end_is_no_error(fresh_settings: Settings) -> None:
    with pytest.raises(SystemExit), sign_of_life(fresh_settings, "pages"):
        raise SystemExit(0)
    (run,) = read_signs(fresh_settings).runs

    assert not run.has_failed


def test_a_part_works_and_ends_while_postgresql_is_away(settings: Settings) -> None:
    """The part's own error is raised, and not an error from recording its sign of life."""
    away = replace(settings, postgres=f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/caf")
    with pytest.raises(KeyError), sign_of_life(away, "share"):
        raise KeyError


def test_signs_go_on_after_the_connection_was_lost(fresh_settings: Settings, sql: Sql, until: Callable) -> None:
    with sign_of_life(fresh_settings, "build"):
        until(lambda: read_signs(fresh_settings).runs)
        sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caf-health'")
        ((before,),) = sql("SELECT beat_at FROM health.runs")
        until(lambda: sql("SELECT beat_at FROM health.runs WHERE beat_at > %s", before))


def test_sign_from_the_future_does_not_count(fresh_settings: Settings, sql: Sql) -> None:
    """
    The process died, and then the clock was set back. The last sign of life would otherwise look recent for an
    hour.
    """
    with sign_of_life(fresh_settings, "land"):
        pass
    sql("UPDATE health.runs SET ended_at = NULL, beat_at = beat_at + interval '1 hour'")
    (run,) = read_signs(fresh_settings).runs

    assert not run.is_alive
    assert run.has_failed


def test_old_runs_are_forgotten_when_a_new_one_starts_and_the_last_is_kept(fresh_settings: Settings, sql: Sql) -> None:
    for _ in range(3):
        with sign_of_life(fresh_settings, "land"):
            pass
    sql("UPDATE health.runs SET started_at = started_at - interval '3 days', beat_at = beat_at - interval '3 days'")
    kept = read_signs(fresh_settings).runs
    with sign_of_life(fresh_settings, "land"):
        pass

    assert len(kept) == 1
    assert sql("SELECT count(*) FROM health.runs") == [(1,)]
