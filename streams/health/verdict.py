"""
Whether a part does what it should: a pure function of what it has signed, of what waits for it, and of the time.

What waits comes from Kafka and the lake, so that a part which stands still cannot say that all is well.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.errors import MartsHeld
from streams.health.backlog import Backlog
from streams.health.parts import Part
from streams.health.row import Level, Row, State, spell
from streams.health.runs import Look, Run

__all__ = ["Case", "verdict"]

_GRACE = timedelta(minutes=2)
"""How long a part of a new home, or one that has ended well, may take to start."""
_LOOP = 3
"""Failed runs within `_LOOP_WITHIN` that make a restart loop."""
_LOOP_WITHIN = timedelta(minutes=10)
_TROUBLED = timedelta(minutes=1)
"""How long a part may say that something keeps it from its work before that is red."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is known of one part."""

    part: Part
    now: datetime
    made_at: datetime
    runs: list[Run]
    backlog: Backlog | None = None
    before: Look | None = None
    is_paused: bool = False
    is_taken_to_run: bool = False
    """Airflow believes that its task runs."""
    tried: int = 0
    """How often Airflow has tried its task, which has failed."""
    held: tuple[str, ...] = ()
    failing: str = ""
    """What its last tries could not do, from where they are written down."""


def verdict(case: Case) -> Row:
    """The verdict on one part."""
    failures = [run for run in case.runs if run.has_failed and case.now - run.over_at < timedelta(hours=1)]
    state, level, says, since = _verdict(case, failures)
    errors = [run for run in case.runs if run.error]
    backlog, before = case.backlog, case.before
    rate = None
    if backlog and before:
        rate = round(max(0, backlog.done - before.done) / before.seconds_ago, 1)
    return Row(
        part=case.part.name,
        state=state,
        level=level,
        says=says,
        since=since,
        waiting=backlog.records if backlog else None,
        waiting_seconds=round(backlog.seconds, 1) if backlog else None,
        rate=rate,
        restarts=len(failures),
        error=errors[-1].error if errors else "",
        error_at=errors[-1].over_at if errors else None,
    )


_Verdict = tuple[State, Level, str, datetime | None]


def _verdict(case: Case, failures: list[Run]) -> _Verdict:
    working = [run for run in case.runs if run.is_alive and not run.is_standby]
    recent = [run for run in failures if case.now - run.over_at < _LOOP_WITHIN and run.error != MartsHeld.__name__]
    if len(recent) >= _LOOP and case.part.within_hours is None:
        return _loop(case, recent)
    if case.held:
        says = f"{case.part.name} is held: {'; '.join(case.held)}; './caf validations release' lets it go on"
        return "held", "amber", says, working[-1].started_at if working else None
    if not working:
        return _without_a_run(case)
    return _with_a_run(case, working[-1])


def _loop(case: Case, recent: list[Run]) -> _Verdict:
    first, last = recent[0], recent[-1]
    says = (
        f"{case.part.name} restarts again and again: {len(recent)} runs have failed in "
        f"{spell((case.now - first.over_at).total_seconds())}, the last {_with(last)}{_at(case)}; "
        f"read {_log(case, last)}"
    )
    return "restart loop", "red", says, first.over_at


def _without_a_run(case: Case) -> _Verdict:
    name, standing_by = case.part.name, [run for run in case.runs if run.is_alive]
    if not case.runs:
        return _never_ran(case)
    last = case.runs[-1] if not standing_by else standing_by[-1]
    ago = spell(abs((case.now - last.over_at).total_seconds()))
    if standing_by:
        gone = [run for run in case.runs if not run.is_alive and not run.is_standby and run.ended_at is None]
        if case.now - last.started_at < _GRACE and not gone:
            return "starting", "well", "", last.started_at
        whose = f"process {gone[-1].pid} on {gone[-1].host}" if gone else "somebody"
        says = (
            f"only a standby of {name} gives signs of life: {whose} holds its lock and does nothing; end that process"
        )
        return "standing still", "red", says, gone[-1].beat_at if gone else last.started_at
    if last.error:
        says = f"{name} failed {ago} ago {_with(last)}{_at(case)}; read {_log(case, last)}"
        return "failed", "red", says, last.over_at
    if last.ended_at is None:
        process = f"process {last.pid} on {last.host}"
        then = f"Airflow still takes its task for running: end {process}" if case.is_taken_to_run else _start(case)
        says = (
            f"{name} has given no sign of life for {ago}{_at(case)}: {process} was killed, is stopped or hangs; {then}"
        )
        return "not running", "red", says, last.over_at
    return _has_ended(case, last, ago)


def _never_ran(case: Case) -> _Verdict:
    name, within = case.part.name, case.part.within_hours
    if within is not None:
        return "idle", "well", "", None
    waits = case.now - case.made_at
    if waits < _GRACE:
        return "starting", "well", "", case.made_at
    says = f"{name} has not started in {spell(waits.total_seconds())}{_at(case)}; {_start(case)}"
    return "not running", "red", says, case.made_at


def _has_ended(case: Case, last: Run, ago: str) -> _Verdict:
    name, within, ended = case.part.name, case.part.within_hours, case.now - last.over_at
    if within is None:
        if ended < _GRACE and not case.is_paused:
            return "starting", "well", "", last.over_at
        return "not running", "red", f"{name} ended {ago} ago{_at(case)}; {_start(case)}", last.over_at
    if within and ended > timedelta(hours=within):
        says = f"{name} ran {ago} ago for the last time; due within {within:.0f} h; {_start(case)}"
        return "not running", "red", says, last.over_at
    return _of_its_work(case, last, "idle", last.over_at)


def _with_a_run(case: Case, run: Run) -> _Verdict:
    name = case.part.name
    if run.still_seconds > case.part.hang_seconds:
        says = (
            f"{name} hangs: process {run.pid} on {run.host} lives, but has got no further for "
            f"{spell(run.still_seconds)}{_at(case)}; end it, and it is started again"
        )
        return "standing still", "red", says, case.now - timedelta(seconds=run.still_seconds)
    return _of_its_work(case, run, "running", run.started_at)


def _of_its_work(case: Case, run: Run, state: State, since: datetime) -> _Verdict:
    """What can be said of a part that lives: of the work that waits for it."""
    name, backlog = case.part.name, case.backlog
    is_young = run.is_alive and case.now - run.started_at < _GRACE
    if case.failing and not is_young:
        return "failed", "red", f"{name} fails: {case.failing}; read {_log(case, run)}", since
    if backlog and backlog.seconds > case.part.late_seconds:
        return _late(case, run, backlog)
    if run.is_alive and run.error:
        level: Level = "red" if backlog and backlog.seconds > _TROUBLED.total_seconds() else "amber"
        return "in trouble", level, f"{name} is kept from its work by {_error(run)}; it tries again by itself", since
    if case.is_paused:
        return "paused", "amber", f"the DAG of {name} is paused: when it ends nobody starts it again", since
    return state, "well", "", since


def _late(case: Case, run: Run, backlog: Backlog) -> _Verdict:
    """Something has waited for too long: whether it moves, and towards its end."""
    name, before = case.part.name, case.before
    since = case.now - timedelta(seconds=backlog.seconds)
    why = f", kept from it by {_error(run)}" if run.error else ""
    waits = f"{backlog.records:,} records wait to be {case.part.work}, the oldest for {spell(backlog.seconds)}"
    if case.now - run.started_at < _GRACE:
        # It has yet to fill its tables, or to make its first build; what fails again and again is no such case.
        return "catching up", "amber", f"{name} has just started{why}: {waits}", since
    if before is None or backlog.done <= before.done:
        for_so_long = f" for {spell(before.seconds_ago)}" if before else ""
        says = f"{name} runs and stands still{for_so_long}{why}: {waits} ({backlog.first}); read {_log(case, run)}"
        # Nobody has looked before: late is all that is known, and is enough.
        return "standing still", "red", says if before else says.replace("and stands still", "and is late"), since
    if backlog.seconds < before.waiting_seconds:
        return "catching up", "amber", f"{name} catches up{why}: {waits}", since
    rate = (backlog.done - before.done) / before.seconds_ago
    says = f"{name} falls behind at {rate:,.0f} records a second{why}: {waits}; see docs/operate.md, Growing"
    return "falling behind", "red", says, since


def _with(run: Run) -> str:
    return f"with {_error(run)}" if run.error else "without a word, as a killed process does"


def _error(run: Run) -> str:
    return run.error + (f" ({run.says})" if run.says else "")


def _at(case: Case) -> str:
    """Where it stands, if something waits."""
    if not case.backlog or not case.backlog.first or case.backlog.seconds < 10:
        return ""
    return f", with {case.backlog.records:,} records waiting from {case.backlog.first} on"


def _start(case: Case) -> str:
    if case.is_paused:
        return "its DAG is paused: unpause it in Airflow"
    if case.tried:
        return f"Airflow has tried {case.part.task} {case.tried} times; read the log of that task"
    dag = case.part.task.partition(".")[0]
    return f"is Airflow up, and its DAG {dag} on? './caf up' starts everything" if dag else "'./caf up' starts it"


def _log(case: Case, run: Run) -> str:
    task = run.task or case.part.task
    return f"the log of the task {task} in Airflow" if run.task else f"the output of process {run.pid} on {run.host}"
