"""
`./caf bench build`: the cost of full builds and of warm builds, for histories of different length.

The history is written to the lake as `land` would store it, but without Kafka, because only the build is measured. Each
length has its own database and its own process, so the measured memory is that of one builder without PostgreSQL.
"""

import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median

import click
import psutil
import pyarrow as pa
import structlog

from streams.bench.build_history import BuildHistory, cover_year
from streams.bench.servers import own_servers
from streams.land.store import LandingStore
from streams.marts.builder import Builder
from streams.settings import Settings
from streams.times import naive

__all__ = ["BuildTimes", "Size", "command", "measure", "timed_build"]

_LOOKS = 10

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """
    Results for one length of history. Memory is in MB. A cycle is one warm build after new events have landed.

    `full_seconds` and `full_cpu` are the seconds and CPU seconds of the first build. `cycle_seconds` and `cycle_cpu`
    are the medians of the cycles' seconds and CPU seconds. `build --follow` checks twice a second whether there is
    something to build, and `look_ms` is the CPU time of one such check. `grown_mb` is how much the process's memory
    grew from the first cycle to the last.
    """

    history: int
    full_seconds: float
    full_cpu: float
    cycle_seconds: float
    cycle_cpu: float
    cycle_to_full: float
    look_ms: float
    peak_mb: int
    grown_mb: int


@dataclass(frozen=True)
class BuildTimes:
    """
    Results for all lengths. `longest_to_shortest` is the cycle time of the longest history, divided by the cycle time
    of the shortest.
    """

    new: int
    cycles: int
    sizes: list[Size]
    longest_to_shortest: float


@click.command("build")
@click.option("--history", default="100000,1000000", show_default=True, help="Events of history, separated by commas.")
@click.option("--new", type=click.IntRange(min=1), default=1_000, show_default=True, help="New events in each cycle.")
@click.option("--cycles", type=click.IntRange(min=1), default=3, show_default=True, help="Number of warm builds.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(history: str, new: int, cycles: int, as_json: bool) -> None:
    """
    Build the marts of histories of different length, and build them again each time that some new events have landed.

    The command uses a database and a lake of its own, and removes them afterwards. With many --cycles, it runs long
    enough to show whether memory grows.
    """
    lengths = _lengths(history)
    measured = measure(Settings.from_env(), lengths, new, cycles, lambda text: click.echo(text, err=as_json))
    if as_json:
        click.echo(json.dumps(asdict(measured)))
        return
    click.echo(
        f"{'history':>10} {'full s':>7} {'CPU':>7} {'cycle s':>7} {'CPU':>7} {'to full':>7} look ms peak MB grown MB"
    )
    for size in measured.sizes:
        click.echo(
            f"{size.history:10,} {size.full_seconds:7.1f} {size.full_cpu:7.1f} {size.cycle_seconds:7.1f} "
            f"{size.cycle_cpu:7.1f} {size.cycle_to_full:7.2f} {size.look_ms:7.1f} {size.peak_mb:7,} {size.grown_mb:8,}"
        )
    click.echo(f"a cycle of {new:,} over the longest takes {measured.longest_to_shortest} times that over the shortest")


def measure(settings: Settings, lengths: Sequence[int], new: int, cycles: int, say: Say) -> BuildTimes:
    """
    Measure full builds and warm builds for each length of history.

    Raises:
        StackFailed: the database cannot be started.
        BuildFailed: a build failed.
    """
    say(f"Making a year of {settings.authority} …")
    made = BuildHistory(settings.authority, new * cycles)
    with own_servers(settings, say, with_kafka=False) as own:
        sizes = [_measure_one(own, made, length, new, say) for length in lengths]
    growth = round(sizes[-1].cycle_seconds / sizes[0].cycle_seconds, 2)
    return BuildTimes(new=new, cycles=cycles, sizes=sizes, longest_to_shortest=growth)


def _measure_one(settings: Settings, made: BuildHistory, length: int, new: int, say: Say) -> Size:
    own = replace(settings, database=f"bench_{length}", lake_data=str(settings.home / f"bench_{length}"))
    store, landed = LandingStore(own), 0
    for part in made.copies(length):
        _commit(store, part, datetime.now(UTC) - timedelta(days=1))
        landed += part.num_rows
        say(f"  {landed:,} of {length:,} events have landed")
    store.close()
    cover_year(own, [own.authority])
    say(f"Building over {length:,} events …")
    # Spawn the process, and do not fork it. A fork would hold a copy of this process's simulated year in memory.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        return processes.submit(_build_again_and_again, own, length, made.new(new, length)).result()


def _build_again_and_again(settings: Settings, length: int, parts: Sequence[pa.Table]) -> Size:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    store = LandingStore(settings)
    with Builder(settings) as builder:
        builder.warm()
        full_seconds, full_cpu = timed_build(builder)
        cycles, held = [], []
        for part in parts:
            _commit(store, part, datetime.now(UTC))
            cycles.append(timed_build(builder))
            held.append(psutil.Process().memory_info().rss)
        look_ms = _look_ms(builder)
    store.close()
    seconds, cpu = (median(figures) for figures in zip(*cycles, strict=True))
    return Size(
        history=length,
        full_seconds=round(full_seconds, 2),
        full_cpu=round(full_cpu, 2),
        cycle_seconds=round(seconds, 2),
        cycle_cpu=round(cpu, 2),
        cycle_to_full=round(seconds / full_seconds, 3),
        look_ms=round(look_ms, 1),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        grown_mb=(held[-1] - held[0]) // 1_000_000,
    )


def timed_build(builder: Builder) -> tuple[float, float]:
    """
    Measure the seconds and CPU seconds of a build without data tests.

    A builder runs data tests only every few minutes.
    """
    began, used = time.monotonic(), time.process_time()
    builder.build(tests=False)
    return time.monotonic() - began, time.process_time() - used


def _look_ms(builder: Builder) -> float:
    used = time.process_time()
    for _ in range(_LOOKS):
        builder.look()
    return 1000 * (time.process_time() - used) / _LOOKS


def _commit(store: LandingStore, events: pa.Table, landed_at: datetime) -> None:
    value = pa.scalar(naive(landed_at), pa.timestamp("us"))
    column = events.column_names.index("landed_at")
    store.commit({"events": events.set_column(column, "landed_at", pa.repeat(value, events.num_rows))}, {})


def _lengths(text: str) -> list[int]:
    try:
        lengths = sorted(int(part) for part in text.split(","))
    except ValueError:
        lengths = []
    if not lengths or lengths[0] < 1:
        raise click.BadParameter(f"{text!r} is not a list of lengths; allowed: whole numbers from 1, with commas")
    return lengths
