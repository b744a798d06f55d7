"""`./caf bench trust --erase`: how long it takes to answer a person's request of access, and to erase that person."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

import psutil

from expectations import validate
from streams.bench.alert_load import Load
from streams.bench.build_history import cover_year
from streams.bench.live import send_live
from streams.bench.restart import LAND, WATCH
from streams.bench.servers import own_servers
from streams.bench.watched import send_history, wait_until_evaluated
from streams.erase.records import Records
from streams.errors import StackFailed
from streams.lake.connect import connect
from streams.lake.one_row import one_row
from streams.land import run
from streams.marts.builder import build
from streams.settings import PROJECT, Settings
from streams.stack import stack
from streams.stack.environ import project_environment
from streams.stack.processes import Say

__all__ = ["ErasureTimes", "measure_erasure"]

_LIVE_RATE, _LIVE_SECONDS = 100, 3
_BEST_KNOWN = """
    SELECT person_id FROM landing.main.events
    WHERE person_id IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC, person_id LIMIT 1
"""


@dataclass(frozen=True)
class ErasureTimes:
    """
    Seconds that two commands took in a home with `history` events.

    `about_seconds` is the median of the times of `./caf about`, which are all in `about`. `erase_seconds` is the time
    of `./caf erase approve`. It erased `erased` records of one person, the one about whom the home had the most events.
    """

    history: int
    about: list[float]
    about_seconds: float
    erase_seconds: float
    erased: int
    load_average: float


def measure_erasure(settings: Settings, history: int, rounds: int, say: Say) -> ErasureTimes:
    """
    Fill a home with a history, let `land` and `watch` run, and run the two commands as a person would.

    Raises:
        StackFailed: a server cannot be started, or a command failed.
        BuildFailed: the marts cannot be built.
    """
    with own_servers(settings, say) as own:
        _fill(own, history, say)
        with connect(own, marts=None) as lake:
            (person,) = one_row(lake.execute(_BEST_KNOWN))
        say("Answering a request of access …")
        about = [_run(own, "about", person) for _ in range(rounds)]
        records = Records(own)
        asked = records.request([], [person], "a measurement", "bench")
        say("Erasing a person …")
        erasing = _run(own, "erase", "approve", asked.id, "--by", "bench, a second person")
        erased = sum(count for table, count in records.get(asked.id).counts.items() if table != "changed")
        load_average = psutil.getloadavg()[0]
    return ErasureTimes(history, about, round(median(about), 1), erasing, erased, round(load_average, 1))


def _fill(settings: Settings, history: int, say: Say) -> None:
    """Make a home in which everything is there that an erasure has to look at: topics, lake, watcher, alerts, marts."""
    say(f"Sending {history:,} events …")
    load = Load(history, settings.authority)
    send_history(settings, load)
    say("Landing them …")
    run(settings, validator=validate, once=True)
    cover_year(settings, [settings.authority])
    stack.up(settings, (LAND, WATCH), say=say)
    wait_until_evaluated(settings)
    send_live(settings, load, _LIVE_RATE, _LIVE_SECONDS)
    say("Building the marts …")
    build(settings)


def _run(settings: Settings, *words: str) -> float:
    """
    Run a command of the project. Return how many seconds it took.

    Raises:
        StackFailed: the command failed.
    """
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *words],
        env={**os.environ, **project_environment(settings)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackFailed(f"./caf {words[0]} failed: {done.stderr.strip()[-300:]}")
    return round(time.monotonic() - began, 1)
