"""Run the demo: start all servers, send a year and then live events, wait for the builds, stop, and check."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from rich.console import Console

from streams.demo.show import Alerts, Figures
from streams.demo.verdict import Verdict, check_claims
from streams.errors import CafError, StackFailed
from streams.kafka.topics import ensure_topics
from streams.lake.connect import connect
from streams.land.verify import verify_offsets
from streams.marts.progress import Progress, progress
from streams.settings import Settings
from streams.simulate import World, backfill, state_coverage
from streams.simulate.desk import Desk
from streams.simulate.live import live
from streams.simulate.truth import Claim
from streams.stack import airflow, pages, stack

__all__ = ["Plan", "demo"]

log = structlog.get_logger()

_SETTLE_SECONDS = 240
_BACKFILL_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Plan:
    """
    The plan of a demo.

    Attributes:
        seconds: how long to send live events. None means until the demo is stopped.
        rate: the number of live events a second.
        days: the number of days of history.
        seed: decides what is simulated.
    """

    seconds: float | None
    rate: float
    days: int
    seed: int


def demo(settings: Settings, plan: Plan, console: Console, stop: threading.Event) -> Verdict:
    """
    Run the demo and return its verdict. At the end, even after an error, stop all processes that it started.

    Raises:
        StackFailed: a server did not start, or the history was not evaluated, landed and built in time.
    """
    say = console.print
    verdict = Verdict()
    try:
        stack.up(settings, ("postgres", "kafka"), say=say)
        ensure_topics(settings)
        connect(settings).close()
        stack.up(settings, (pages.service(settings),), say=say)
        world = _world(settings, plan)
        state_coverage(settings, world, goes_on=True)
        with _starting_airflow(settings, say):
            say(f"Sending {plan.days} days of history …")
            history = backfill(settings, world)
            say(f"  {history.total:,} records in {history.elapsed:.0f} s")
        api = airflow.client(settings)
        say(f"Airflow is at {api.url} (user {api.username}, password {api.password})")
        _wait(settings, say, _BACKFILL_SECONDS, stop, "history")
        claims = history.claims + _live(settings, plan, world, console, stop)
        _wait(settings, say, _SETTLE_SECONDS, threading.Event(), "the last event")
        with connect(settings) as lake:
            check_claims(lake, claims, verdict)
        _account(settings, verdict)
    finally:
        say("Stopping everything …")
        stack.down(settings)
    return verdict


def _world(settings: Settings, plan: Plan) -> World:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return World(plan.seed, (settings.authority,), midnight - timedelta(days=plan.days), midnight)


class _starting_airflow:  # noqa: N801  (a context manager used as a verb)
    """
    Starts Airflow in a thread while the `with` block runs.

    At the end of the block, it waits for the thread, and raises the thread's error if there was one.
    """

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._thread = threading.Thread(target=self._start, args=(settings, say), daemon=True)
        self._error: CafError | None = None

    def _start(self, settings: Settings, say: Callable[[str], None]) -> None:
        try:
            stack.up(settings, ("airflow",), say=say)
        except CafError as error:
            self._error = error

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error


def _live(settings: Settings, plan: Plan, world: World, console: Console, stop: threading.Event) -> list[Claim]:
    """Send live events, and show the alerts and figures that result. Return the claims of the live stories."""
    alerts, figures = Alerts(settings, console), Figures(settings, console)
    alerts.start()
    figures.start()
    console.print(
        f"Streaming {plan.rate:g} events a second" + (f" for {plan.seconds:g} s" if plan.seconds else "; Ctrl-C ends")
    )
    try:
        with Desk(settings, plan.seed):
            sent = live(settings, world, rate=plan.rate, seconds=plan.seconds, stop=stop)
        console.print(f"  {sent.total:,} live records; waiting until all are evaluated, landed and built …")
    finally:
        time.sleep(2)
        alerts.end()
        figures.end()
    if alerts.latencies:
        ordered = sorted(alerts.latencies)
        console.print(
            f"  {len(ordered)} live alerts, from arrival to seen: median {1000 * ordered[len(ordered) // 2]:,.0f} ms, "
            f"slowest {1000 * ordered[-1]:,.0f} ms"
        )
    return sent.claims


def _wait(settings: Settings, say: Callable[[str], None], seconds: float, stop: threading.Event, what: str) -> None:
    """
    Wait until all produced records are evaluated, landed and built.

    Raises:
        StackFailed: there was no progress for `seconds`.
    """
    began, told = time.monotonic(), 0.0
    moved_at, before = began, ""
    while not stop.is_set():
        now = progress(settings)
        if _behind(now) != before:
            moved_at, before = time.monotonic(), _behind(now)
        if now.settled:
            say(f"  {what}: evaluated, landed and built after {time.monotonic() - began:.0f} s")
            return
        waited = time.monotonic() - began
        if time.monotonic() - moved_at > seconds:
            raise StackFailed(f"{what}: no progress for {seconds:.0f} s: {_behind(now)}; see './caf status'")
        if waited - told >= 10:
            told = waited
            say(f"  {waited:.0f} s: {_behind(now)}")
        time.sleep(1)


def _behind(now: Progress) -> str:
    return (
        f"watch is {now.behind(now.evaluated):,} records behind, land {now.behind(now.landed):,}, "
        f"build {now.behind(now.built):,}"
    )


def _account(settings: Settings, verdict: Verdict) -> None:
    """Check that every offset has exactly one row in the lake, and add the result to the verdict."""
    found = verify_offsets(settings, wait=30)
    verdict.add(
        f"{found.rows:,} records accounted for, each in one row",
        (f"{gap.topic}/{gap.partition} {gap.first} to {gap.end - 1} {gap.what}" for gap in found.differences),
    )
