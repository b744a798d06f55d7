"""
`./caf bench nation`: the time and cost to build many authorities on Spark, with one worker and with two.

The history consists of copies of a simulated year. Each copy has other families, and the authorities receive the copies
in turn. The history is written to the lake as `land` would store it, but without Kafka. Only the first authority's
places are on the map. The places of the other authorities are unknown.
"""

import json
import multiprocessing
import os
import resource
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import click
import pyarrow as pa
import structlog

from streams.bench.build_history import BuildHistory, cover_year
from streams.bench.servers import own_servers
from streams.land.store import LandingStore
from streams.marts.builder import Builder
from streams.nation.build import NationMaker
from streams.nation.run import ShardsMade
from streams.settings import Settings
from streams.stack import spark
from streams.times import naive

__all__ = ["Built", "NationSpeed", "command", "measure"]

_WORKER_MB = 2_048

Say = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """
    The results of one build. `seconds` is its whole time, `spark_seconds` is the time in Spark, and `nation_seconds` is
    the time after that for the nation's tables.

    `own_cpu` is the CPU seconds of the building process, and `worker_cpu` those of the workers. Neither figure includes
    the JVM of Spark's driver. `peak_mb` is the memory of the building process. `made` has the figures of Spark's
    workers, and is None for a build without Spark. `load` is the machine's load average at the end.
    """

    workers: int
    seconds: float
    spark_seconds: float
    nation_seconds: float
    own_cpu: float
    worker_cpu: float
    peak_mb: int
    load: float
    made: ShardsMade | None


@dataclass(frozen=True)
class NationSpeed:
    """
    The results of all builds of one history.

    `speed_up` divides the first build's time in Spark by the last build's time in Spark.
    """

    events: int
    authorities: int
    builds: list[Built]
    speed_up: float | None


@click.command("nation")
@click.option("--authorities", type=click.IntRange(min=1), default=50, show_default=True, help="Number of authorities.")
@click.option(
    "--events", type=click.IntRange(min=1), default=10_000_000, show_default=True, help="Events of all authorities."
)
@click.option(
    "--workers", default="1,2", show_default=True, help="Numbers of one-core workers, separated by commas; 0: no Spark."
)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(authorities: int, events: int, workers: str, as_json: bool) -> None:
    """
    Build the marts of many authorities on a Spark cluster on this machine.

    The command uses a database and a lake of its own, and removes them afterwards. Ten million events need an hour or
    more on two cores, and 20 GB of disk.
    """
    numbers = _numbers(workers)
    measured = measure(Settings.from_env(), authorities, events, numbers, lambda text: click.echo(text, err=as_json))
    if as_json:
        click.echo(json.dumps(asdict(measured)))
        return
    heads = ["workers", "all s", "Spark s", "nation s", "own CPU", "workers'", "peak MB"]
    click.echo(" ".join(f"{head:>8}" for head in heads) + "  load  shards")
    for one in measured.builds:
        click.echo(
            f"{one.workers:8} {one.seconds:8.1f} {one.spark_seconds:8.1f} {one.nation_seconds:8.1f} "
            f"{one.own_cpu:8.1f} {one.worker_cpu:8.1f} {one.peak_mb:8,} {one.load:5.1f}  {_shards(one.made)}"
        )
    if measured.speed_up is not None:
        click.echo(f"the first build on Spark takes {measured.speed_up} times as long there as the last")


def measure(settings: Settings, authorities: int, events: int, workers: Sequence[int], say: Say) -> NationSpeed:
    """
    Build the marts of many authorities, once with each number of workers, and measure each build.

    Raises:
        StackFailed: the database or the cluster cannot be started.
        SparkUnavailable: Spark's environment cannot be made.
        BuildFailed: a build failed.
    """
    # Keep the environment outside the temporary home, so that it is made only once.
    venv = settings.spark_venv or str(settings.home / "spark-venv")
    with own_servers(replace(settings, spark_venv=venv), say, with_kafka=False) as own:
        _land(own, authorities, events, say)
        builds = [_measure_one(own, number, say) for number in workers]
    in_spark = [one.spark_seconds for one in builds if one.made]
    return NationSpeed(events, authorities, builds, round(in_spark[0] / in_spark[-1], 2) if in_spark else None)


def _land(settings: Settings, authorities: int, events: int, say: Say) -> None:
    say(f"Making a year of {settings.authority} …")
    codes = [settings.authority, *(f"E99{number:06}" for number in range(1, authorities))]
    store, landed = LandingStore(settings), 0
    size = -(-events // authorities)
    for number, part in enumerate(BuildHistory(settings.authority, 0).copies(events, at_most=size)):
        _commit(store, part, codes[number % authorities])
        landed += part.num_rows
        say(f"  {landed:,} of {events:,} events have landed")
    store.close()
    cover_year(settings, codes)


def _commit(store: LandingStore, events: pa.Table, authority: str) -> None:
    landed_at = pa.scalar(naive(datetime.now(UTC) - timedelta(days=1)), pa.timestamp("us"))
    for name, value in {"landed_at": landed_at, "authority_code": pa.scalar(authority)}.items():
        events = events.set_column(events.column_names.index(name), name, pa.repeat(value, events.num_rows))
    store.commit({"events": events}, {})


def _measure_one(settings: Settings, workers: int, say: Say) -> Built:
    say(f"Building with {workers} workers …" if workers else "Building without Spark …")
    # Spawn the process, and do not fork it. A fork would hold a copy of this process's simulated year in memory.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        if not workers:
            return processes.submit(_build, settings, 0, None).result()
        with spark.cluster(settings, workers=workers, memory_mb=_WORKER_MB, say=say) as master:
            built = processes.submit(_build, settings, workers, master).result()
            return replace(built, worker_cpu=round(spark.worker_cpu(settings, workers), 1))


def _build(settings: Settings, workers: int, master: str | None) -> Built:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if master is None:
        with Builder(settings) as builder:
            result, made = builder.build(tests=False), None
    else:
        warm = NationMaker(settings, master, lambda text: print(text, file=sys.stderr, flush=True))
        with warm.working(), Builder(settings, warm=warm) as builder:
            result, made = builder.build(tests=False), warm.made
    times = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    in_spark = sum(made.seconds.values()) if made else 0.0
    return Built(
        workers=workers,
        seconds=round(result.seconds, 1),
        spark_seconds=round(in_spark, 1),
        nation_seconds=round(warm.nation_seconds, 1) if master else 0.0,
        own_cpu=round(sum(used.ru_utime + used.ru_stime for used in times), 1),
        worker_cpu=0.0,
        peak_mb=times[0].ru_maxrss // 1024,
        load=round(os.getloadavg()[0], 1),
        made=made,
    )


def _shards(made: ShardsMade | None) -> str:
    if made is None:
        return "none"
    return (
        f"{made.shards}, {made.shard_seconds:.0f} s in all, the slowest {made.slowest_seconds:.0f} s, "
        f"the largest {made.largest_records:,} records, {made.peak_mb:,} MB for a worker's Python"
    )


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0:
        raise click.BadParameter(f"{text!r} is not a list of workers; allowed: whole numbers from 0, with commas")
    return numbers
