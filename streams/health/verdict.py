"""
Decide whether a part works properly, from what it reports about itself, its backlog and the time.

The size of the backlog comes from Kafka and the lake, not from the part. So a part that has stopped working cannot
claim that everything is well.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.errors import MartsHeld, PartnerLeftOut
from streams.health.backlog import Backlog
from streams.health.parts import Part
from streams.health.row import Level, Row, State, spell
from streams.health.runs import Look, Run

__all__ = ["Case", "verdict"]

_GRACE = timedelta(minutes=2)
"""How long a part may take to start in a new home, or to start again after it has ended without an error."""
_LOOP = 3
"""This number of failed runs within `_LOOP_WITHIN` is a restart loop."""
_LOOP_WITHIN = timedelta(minutes=10)
_TROUBLED = timedelta(minutes=1)
"""A part that reports a problem becomes red when a record has waited for it this long. Until then, it is amber."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """All facts about one part from which its state is decided."""

    part: Part
    now: datetime
    made_at: datetime
    runs: list[Run]
    backlog: Backlog | None = None
    before: Look | None = None
    is_paused: bool = False
    is_taken_to_run: bool = False
    """True if Airflow says that the part's task is running."""
    tried: int = 0
    """How often Airflow has tried the part's task, if the task has failed."""
    held: tuple[str, ...] = ()
    """The holds on the marts."""
    failing: str = ""
    """What the part could not do in its latest runs, according to the lake."""


def verdict(case: Case) -> Row:
    """Return the row of a part, with its state and its problem."""
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
        says = f"{case.part.name} is held: {'; '.join(case.held)}. If all is right, use './caf validations release'"
        return "held", "amber", says, working[-1].started_at if working else None
    if not working:
        return _without_a_run(case)
    return _with_a_run(case, working[-1])


def _loop(case: Case, recent: list[Run]) -> _Verdict:
    first, last = recent[0], recent[-1]
    says = (
        f"{case.part.name} restarts again and again: {len(recent)} runs have failed in "
        f"{spell((case.now - first.over_at).total_seconds())}, the last {_with(last)}{_at(case)}. "
        f"Read {_log(case, last)}"
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
        whose = f"process {gone[-1].pid} on {gone[-1].host}" if gone else "another process"
        says = (
            f"only a standby of {name} gives signs of life: {whose} holds its lock and does nothing. End that process"
        )
        return "standing still", "red", says, gone[-1].beat_at if gone else last.started_at
    if last.error:
        says = f"{name} failed {ago} ago {_with(last)}{_at(case)}. Read {_log(case, last)}"
        return "failed", "red", says, last.over_at
    if last.ended_at is None:
        process = f"process {last.pid} on {last.host}"
        then = f"Airflow believes that it still runs: end {process}" if case.is_taken_to_run else _start(case)
        says = (
            f"{name} has given no sign of life for {ago}{_at(case)}. Probably {process} was killed, was stopped or "
            f"hangs. {then}"
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
    says = f"{name} should always run, but has not started in {spell(waits.total_seconds())}{_at(case)}. {_start(case)}"
    return "not running", "red", says, case.made_at


def _has_ended(case: Case, last: Run, ago: str) -> _Verdict:
    name, within, ended = case.part.name, case.part.within_hours, case.now - last.over_at
    if within is None:
        if ended < _GRACE and not case.is_paused:
            return "starting", "well", "", last.over_at
        return "not running", "red", f"{name} should run, but ended {ago} ago{_at(case)}. {_start(case)}", last.over_at
    if within and ended > timedelta(hours=within):
        says = f"{name} last ran {ago} ago, but should run every {within:.0f} h. {_start(case)}"
        return "not running", "red", says, last.over_at
    return _of_its_work(case, last, "idle", last.over_at)


def _with_a_run(case: Case, run: Run) -> _Verdict:
    name = case.part.name
    if run.still_seconds > case.part.hang_seconds:
        says = (
            f"{name} hangs: process {run.pid} on {run.host} is alive, but has made no progress for "
            f"{spell(run.still_seconds)}{_at(case)}. End that process; it is then started again"
        )
        return "standing still", "red", says, case.now - timedelta(seconds=run.still_seconds)
    return _of_its_work(case, run, "running", run.started_at)


def _of_its_work(case: Case, run: Run, state: State, since: datetime) -> _Verdict:
    """Return the verdict on a part that is alive or idle. It depends on the records that wait for the part."""
    name, backlog = case.part.name, case.backlog
    is_young = run.is_alive and case.now - run.started_at < _GRACE
    if case.failing and not is_young:
        return "failed", "red", f"{name} fails: {case.failing}. Read {_log(case, run)}", since
    if backlog and backlog.seconds > case.part.late_seconds:
        return _late(case, run, backlog)
    if run.is_alive and run.error:
        is_late = backlog is not None and backlog.seconds > _TROUBLED.total_seconds()
        level: Level = "red" if is_late or run.error == PartnerLeftOut.__name__ else "amber"
        return "in trouble", level, f"{name} cannot work: {_error(run)}. Repair that; it tries again by itself", since
    if case.is_paused:
        return "paused", "amber", f"the DAG of {name} is paused: after this run, none will start. Unpause it", since
    return state, "well", "", since


def _late(case: Case, run: Run, backlog: Backlog) -> _Verdict:
    """
    Return the verdict on a part that is late.

    It depends on whether the part processes records, and on whether the waiting time gets shorter.
    """
    name, before = case.part.name, case.before
    since = case.now - timedelta(seconds=backlog.seconds)
    why = f", because of {_error(run)}" if run.error else ""
    waits = f"{backlog.records:,} records wait to be {case.part.work}, the oldest for {spell(backlog.seconds)}"
    if case.now - run.started_at < _GRACE:
        # The part may need time to fill its tables or to make its first build. A part in a restart loop does not get
        # here.
        return "catching up", "amber", f"{name} has just started and is late{why}: {waits}", since
    if before is None or backlog.done <= before.done:
        for_so_long = f" for {spell(before.seconds_ago)}" if before else ""
        says = f"{name} runs but has done nothing{for_so_long}{why}: {waits} ({backlog.first}). Read {_log(case, run)}"
        # Without an earlier check, we know only that the part is late. That is enough for red.
        return "standing still", "red", says if before else says.replace("but has done nothing", "but is late"), since
    if backlog.seconds < before.waiting_seconds:
        return "catching up", "amber", f"{name} is late but catches up{why}: {waits}", since
    rate = (backlog.done - before.done) / before.seconds_ago
    says = f"{name} falls further behind, at {rate:,.0f} records a second{why}: {waits}. See docs/operate.md, Growing"
    return "falling behind", "red", says, since


def _with(run: Run) -> str:
    return f"with {_error(run)}" if run.error else "without an error message, like a killed process"


def _error(run: Run) -> str:
    return run.error + (f" ({run.says})" if run.says else "")


def _at(case: Case) -> str:
    """Return text that names the first waiting record, or an empty text if no record has waited long."""
    if not case.backlog or not case.backlog.first or case.backlog.seconds < 10:
        return ""
    return f". {case.backlog.records:,} records wait; {case.backlog.first} is the first"


def _start(case: Case) -> str:
    if case.is_paused:
        return "Its DAG is paused: unpause it in Airflow"
    if case.tried:
        return f"Airflow has tried {case.part.task} {case.tried} times: read the log of that task"
    dag = case.part.task.partition(".")[0]
    return f"Is Airflow up, and its DAG {dag} on? './caf up' starts everything" if dag else "'./caf up' starts it"


def _log(case: Case, run: Run) -> str:
    task = run.task or case.part.task
    return f"the log of the task {task} in Airflow" if run.task else f"the output of process {run.pid} on {run.host}"
