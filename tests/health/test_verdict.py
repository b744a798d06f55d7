"""The health of a part, derived from its signs of life and the records that wait for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from streams.health.backlog import Backlog
from streams.health.parts import parts
from streams.health.row import Row
from streams.health.runs import Look, Run
from streams.health.verdict import Case, verdict
from streams.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LONG = timedelta(days=3)
PARTS = {part.name: part for part in parts(Settings())}
WAITS = Backlog(records=40, seconds=300, first="caf.referral.v1/3/7", done=1_000)


def run(part: str, *, ago: float = 3600, ended: float | None = None, silent: float = 1, **more: object) -> Run:
    """Make a run that started `ago` seconds before now. With `ended`, the run ended that many seconds before now."""
    facts = {
        "part": part,
        "host": "here",
        "pid": 77,
        "task": "",
        "started_at": NOW - timedelta(seconds=ago),
        "ended_at": None if ended is None else NOW - timedelta(seconds=ended),
        "is_standby": False,
        "error": "",
        "says": "",
        "beat_at": NOW - timedelta(seconds=silent),
        "silent_seconds": silent,
        "still_seconds": silent,
    }
    return Run(**(facts | more))


def evaluated(part: str = "land", *runs: Run, made: timedelta = LONG, **more: object) -> Row:
    return verdict(Case(part=PARTS[part], now=NOW, made_at=NOW - made, runs=list(runs), **more))


def test_a_part_that_runs_and_has_nothing_to_do_is_well() -> None:
    row = evaluated(
        "land", run("land"), backlog=Backlog(done=1_000), before=Look(done=1_000, waiting_seconds=0, seconds_ago=60)
    )

    assert (row.level, row.state, row.says, row.rate) == ("well", "running", "", 0)


def test_a_part_that_never_started_is_red_after_a_while() -> None:
    young, old = evaluated("land", made=timedelta(seconds=30)), evaluated("land", backlog=WAITS)

    assert (young.level, young.state) == ("well", "starting")
    assert (old.level, old.state) == ("red", "not running")
    assert "has not started in 72 h. 40 records wait; caf.referral.v1/3/7 is the first. Is Airflow up" in old.says


@pytest.mark.parametrize("part", ["reconcile", "publish", "maintain", "replay"])
def test_part_that_runs_by_schedule_or_on_request_need_not_have_run(part: str) -> None:
    assert evaluated(part).level == "well"


def test_a_part_that_is_stopped_or_killed_does_not_run() -> None:
    """After SIGSTOP or SIGKILL, a process gives no more signs of life, and its run has no recorded end."""
    row = evaluated("land", run("land", silent=90), backlog=WAITS, is_taken_to_run=True)

    assert (row.level, row.state, row.restarts) == ("red", "not running", 1)
    assert "land has given no sign of life for 90 s" in row.says
    assert (
        "Probably process 77 on here was killed, was stopped or hangs. Airflow believes that it still runs: "
        "end process 77"
    ) in row.says


def test_paused_dag_is_given_as_the_reason() -> None:
    ended = evaluated("land", run("land", ended=30), is_paused=True)
    alive = evaluated("land", run("land"), is_paused=True)

    assert (ended.level, ended.state) == ("red", "not running")
    assert ended.says.endswith("Its DAG is paused: unpause it in Airflow")
    assert (alive.level, alive.state) == ("amber", "paused")


def test_task_that_fails_before_it_can_give_a_sign_is_reported() -> None:
    """The cause may be a policy that cannot be read, or a module with an error."""
    row = evaluated("share", run("share", ended=600), tried=9)

    assert (row.level, row.state) == ("red", "not running")
    assert row.says.endswith("Airflow has tried inform_people.share 9 times: read the log of that task")


def test_a_run_that_ended_well_may_be_followed_by_the_next_one() -> None:
    between, gone = evaluated("land", run("land", ended=20)), evaluated("land", run("land", ended=600))

    assert (between.level, between.state) == ("well", "starting")
    assert (gone.level, gone.state) == ("red", "not running")


def test_a_failed_run_names_its_error_and_task() -> None:
    failed = run("build", ended=30, error="BuildFailed", says="dbt build: fct_alerts failed", task="build_marts.build")
    row = evaluated("build", failed)

    assert (row.level, row.state, row.error, row.error_at) == ("red", "failed", "BuildFailed", failed.ended_at)
    assert row.says == (
        "build failed 30 s ago with BuildFailed (dbt build: fct_alerts failed). "
        "Read the log of the task build_marts.build in Airflow"
    )


def test_a_part_that_fails_again_and_again_is_red_even_while_it_runs() -> None:
    """The part failed twelve times in two minutes. Each health check may still find the part running."""
    failures = [run("land", ago=10 * n + 8, ended=10 * n, error="BrokerUnavailable") for n in range(12, 0, -1)]
    row = evaluated("land", *failures, run("land", ago=2), backlog=WAITS)

    assert (row.level, row.state, row.restarts) == ("red", "restart loop", 12)
    assert "12 runs have failed in 2 min" in row.says
    assert "caf.referral.v1/3/7" in row.says


def test_failures_that_are_over_are_reported_and_not_red() -> None:
    failures = [run("land", ago=n, ended=n - 5, error="LakeUnavailable") for n in (2000, 1900, 1800)]
    row = evaluated("land", *failures, run("land", ago=1700))

    assert (row.level, row.restarts, row.error) == ("well", 3, "LakeUnavailable")


def test_part_whose_loop_does_not_turn_stands_still() -> None:
    row = evaluated("land", run("land", still_seconds=500.0))

    assert (row.level, row.state, row.since) == ("red", "standing still", NOW - timedelta(seconds=500))
    assert "is alive, but has made no progress for 8 min" in row.says


def test_a_part_that_runs_and_does_nothing_while_something_waits_stands_still() -> None:
    row = evaluated("land", run("land"), backlog=WAITS, before=Look(done=1_000, waiting_seconds=200, seconds_ago=100))

    assert (row.level, row.state, row.since) == ("red", "standing still", NOW - timedelta(seconds=300))
    assert (
        "has done nothing for 100 s: 40 records wait to be landed, the oldest for 5 min (caf.referral.v1/3/7)"
        in row.says
    )


def test_records_that_wait_too_long_are_red_at_the_first_look() -> None:
    assert evaluated("land", run("land"), backlog=WAITS).level == "red"


def test_a_part_that_moves_falls_behind_or_catches_up() -> None:
    behind = evaluated("land", run("land"), backlog=WAITS, before=Look(done=400, waiting_seconds=250, seconds_ago=100))
    ahead = evaluated("land", run("land"), backlog=WAITS, before=Look(done=400, waiting_seconds=390, seconds_ago=100))

    assert (behind.level, behind.state, behind.rate) == ("red", "falling behind", 6)
    assert (ahead.level, ahead.state) == ("amber", "catching up")


def test_a_part_that_has_just_started_is_given_time_to_begin() -> None:
    row = evaluated(
        "land", run("land", ago=20), backlog=WAITS, before=Look(done=1_000, waiting_seconds=200, seconds_ago=60)
    )

    assert (row.level, row.state) == ("amber", "catching up")


def test_a_standby_alone_does_no_work() -> None:
    """The leader was stopped with SIGSTOP. The leader still holds the lock, but gives no sign of life."""
    stopped, standby = run("watch", ago=9000, silent=60, pid=5), run("watch", is_standby=True)
    row = evaluated("watch", stopped, standby)

    assert (row.level, row.state) == ("red", "standing still")
    assert "process 5 on here holds its lock and does nothing" in row.says
    assert evaluated("watch", run("watch"), standby).level == "well"


def test_held_marts_are_amber_and_say_who_can_release_them() -> None:
    held = run("build", ended=20, error="MartsHeld", says="new marts are held")
    row = evaluated("build", held, held=("referral.volume: 3 records",))

    assert (row.level, row.state) == ("amber", "held")
    assert "referral.volume: 3 records. If all is right, use './caf validations release'" in row.says


def test_trouble_that_a_part_reports_is_amber_until_records_wait_a_minute() -> None:
    troubled = run("watch", error="BrokerUnavailable", says="no Kafka broker answers")
    waits = replace(WAITS, seconds=61)

    assert evaluated("watch", troubled, backlog=Backlog()).level == "amber"
    assert evaluated("watch", troubled, backlog=waits).level == "red"


def test_partner_that_is_left_out_is_red_at_once() -> None:
    """Nobody else would notice, because the records of all other partners are passed on."""
    row = evaluated("intake", run("intake", error="PartnerLeftOut", says="caf.inbound.x.v1 has lost its end"))

    assert (row.level, row.state) == ("red", "in trouble")
    assert "caf.inbound.x.v1 has lost its end" in row.says


def test_nightly_part_that_did_not_run_is_red() -> None:
    fresh, old = run("publish", ago=86_400, ended=86_000), run("publish", ago=120_000, ended=119_000)

    assert evaluated("publish", fresh).level == "well"
    assert evaluated("publish", old).level == "red"
    assert evaluated("publish", fresh, failing="the quarter from 2026-01-01 is due").state == "failed"


def test_retries_of_a_scheduled_part_are_not_a_restart_loop() -> None:
    tries = [run("reconcile", ago=n + 9, ended=n, error="PartsDisagree") for n in (90, 60, 30)]

    assert evaluated("reconcile", *tries).state == "failed"


def test_builds_that_fail_are_reported_unless_another_process_has_just_begun() -> None:
    failing = "3 builds since 9 min could not build fct_alerts"

    assert evaluated("build", run("build"), failing=failing).says.startswith(f"build fails: {failing}")
    assert evaluated("build", run("build", ago=30), failing=failing).level == "well"


def test_a_part_whose_last_run_failed_long_ago_is_still_red() -> None:
    assert evaluated("reconcile", run("reconcile", ago=90_000, ended=89_000, error="PartsDisagree")).level == "red"
