"""One round of `./caf bench trust`: a new home, from its first start until it has landed many records."""

import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace

import structlog

from expectations import validate
from streams.bench.alert_load import Load
from streams.bench.build import timed_build
from streams.bench.land import land_anew, produce
from streams.bench.live import Latencies, latencies, listening, send_live
from streams.bench.open_broker import start_open
from streams.bench.open_lake import make_open_lake
from streams.bench.restart import WATCH
from streams.bench.servers import own_home
from streams.bench.watched import send_history, wait_until_evaluated
from streams.errors import WatchSilent
from streams.kafka.client import producer
from streams.kafka.topics import ensure_topics
from streams.lake.connect import connect
from streams.marts.builder import Builder
from streams.settings import Settings
from streams.stack import broker, postgres, processes, stack
from streams.stack.processes import Say
from streams.times import wait_for

__all__ = ["WITHOUT_SECURITY", "WITH_SECURITY", "Round", "Sizes", "Way", "measure_round"]

_PATIENCE_SECONDS = 300
_LANDINGS = 2


@dataclass(frozen=True)
class Sizes:
    """How much one round does. `events` are landed. `history` comes before the live events."""

    events: int
    rate: int
    seconds: int
    history: int


@dataclass(frozen=True)
class Round:
    """
    The figures of one home.

    `servers_seconds` is the time until PostgreSQL and Kafka answer, and topics and lake exist. `first_alert_seconds` is
    the time until the first alert was read. Both begin with the start of an empty home. `build_seconds` is the time of
    a full build of what has landed, without the time that dbt needs to start.
    """

    servers_seconds: float
    first_alert_seconds: float
    alerts: Latencies
    landed_per_second: float
    build_seconds: float


@dataclass(frozen=True)
class Way:
    """
    How the servers of a home are started, and how its lake is made.

    `start` returns the settings with which clients use the servers.
    """

    start: Callable[[Settings, Say], Settings]
    make_lake: Callable[[Settings], None]


def _start(settings: Settings, say: Say) -> Settings:
    stack.up(settings, (postgres.NAME, broker.NAME), say=say)
    return settings


def _start_without_security(settings: Settings, say: Say) -> Settings:
    stack.up(settings, (postgres.NAME,), say=say)
    return start_open(settings, say)


def _make_lake(settings: Settings) -> None:
    connect(settings).close()


WITH_SECURITY = Way(_start, _make_lake)
"""As `./caf up` does it."""
WITHOUT_SECURITY = Way(_start_without_security, make_open_lake)
"""The same servers, but with a broker that knows neither logins nor rights, and a lake without encryption."""


def measure_round(settings: Settings, sizes: Sizes, way: Way, say: Say) -> Round:
    """
    Measure the first start of a home, the latency of its alerts, its landing, and a build.

    Raises:
        StackFailed: a server cannot be started.
        WatchSilent: the watcher raised too few alerts.
    """
    with own_home(settings, say) as home:
        began = time.monotonic()
        own = way.start(home, say)
        ensure_topics(own)
        way.make_lake(own)
        servers = time.monotonic() - began
        load = Load(sizes.history, own.authority)
        first_alert = _first_alert(own, load, say) - began
        send_history(own, load)
        wait_until_evaluated(own)
        say(f"Sending live events for {sizes.seconds} s …")
        waits = _live(own, load, sizes)
        processes.stop(own.home, WATCH.name)
        say(f"Landing {sizes.events:,} events …")
        produce(own, sizes.events)
        # The better of two, because the first one also loads libraries.
        names = [f"bench_{number}" for number in range(_LANDINGS)]
        lakes = [replace(own, database=name, lake_data=str(own.home / name)) for name in names]
        for lake in lakes:
            way.make_lake(lake)
        landed = max(land_anew(lake, validate) for lake in lakes)
        say("Building over them …")
        # dbt stays in memory, so each build has a process of its own.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            built = pool.submit(_build, lakes[-1]).result()
    return Round(round(servers, 2), round(first_alert, 2), waits, round(landed), round(built, 2))


def _build(settings: Settings) -> float:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with Builder(settings) as builder:
        builder.warm()
        seconds, _ = timed_build(builder)
        return seconds


def _first_alert(settings: Settings, load: Load, say: Say) -> float:
    """Start the watcher, and send two referrals of a family. Return when the alert about the second one was read."""
    stack.up(settings, (WATCH,), say=say)
    with listening(settings) as received, closing(producer(settings)) as client:
        for _ in range(2):
            event_id, (topic, key, value) = load.referral("F-first")
            client.send(topic, key=key, value=value)
        client.flush()
        if not wait_for(lambda: event_id in received, _PATIENCE_SECONDS, every=0.05):
            raise WatchSilent(f"no alert within {_PATIENCE_SECONDS} s of the watcher's start")
        return received[event_id][0]


def _live(settings: Settings, load: Load, sizes: Sizes) -> Latencies:
    sent, received = send_live(settings, load, sizes.rate, sizes.seconds)
    waits = latencies([received[one][0] - at for one, at in sent.items() if one in received])
    if waits is None:
        raise WatchSilent(f"fewer than two alerts about {len(sent)} live events; send more of them")
    return waits
