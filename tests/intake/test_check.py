"""`./caf intake --check`, with which a platform decides whether to start `intake` again."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner

from streams.cli.main import caf
from streams.lake.sign_table import entered
from streams.settings import Settings

Report = Callable[..., None]


@pytest.fixture
def report(fresh_settings: Settings) -> Report:
    """Stores the report of an intake: how long ago it was written, and when the loop had turned before."""

    def store(*, beat: int, turned: int, is_standby: bool = False) -> None:
        with entered(fresh_settings) as cursor:
            cursor.execute(
                """
                INSERT INTO health.runs
                SELECT gen_random_uuid(), 'intake', 'host', 1, now - interval '1 day', now - %s * interval '1 second',
                       now - %s * interval '1 second', NULL, %s, '', '', ''
                FROM (SELECT clock_timestamp() AS now) AS clock
                """,
                [beat, turned, is_standby],
            )

    return store


def check(settings: Settings) -> tuple[int, str]:
    done = CliRunner().invoke(caf, ["intake", "--check"], env=settings.to_env())
    return done.exit_code, done.output + str(done.exception or "")


def test_intake_that_turns_is_alive(fresh_settings: Settings, report: Report) -> None:
    report(beat=1, turned=2)

    assert check(fresh_settings)[0] == 0


def test_intake_that_hangs_is_not_alive(fresh_settings: Settings, report: Report) -> None:
    """Its reports are written by another thread. A standby, which turns, does not hide it."""
    report(beat=1, turned=300)
    report(beat=1, turned=0, is_standby=True)

    code, says = check(fresh_settings)
    assert code != 0
    assert "no progress for 300 s; allowed: 120 s" in says


def test_intake_that_was_killed_does_not_count(fresh_settings: Settings, report: Report) -> None:
    report(beat=3_000, turned=3_000)
    report(beat=1, turned=0, is_standby=True)

    assert check(fresh_settings)[0] == 0


def test_intake_without_reports_is_not_alive(fresh_settings: Settings, report: Report) -> None:
    report(beat=3_000, turned=3_000)

    assert check(fresh_settings)[0] != 0
