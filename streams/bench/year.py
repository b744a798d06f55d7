"""
`./caf bench year`: how long a year of a borough takes, from its first record until the marts hold all of it.

The same parts run as in the stack, but as plain processes and without Airflow: `land` with its checks, `watch`, and
`build --follow`. `watch` must run because marts are built at its watermark. The parts start when sending starts, as in
the demo. So the time includes the start of the parts, but not the making of the simulated world.

The year counts as built when the marts have all records. It counts as settled when a build at the watermark has all
records, because only then can the watcher's alerts be compared with the rebuilt alerts.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import duckdb

from streams.bench.servers import own_servers
from streams.errors import StackFailed
from streams.lake.connect import connect
from streams.lake.one_row import one_row
from streams.marts.snapshot import landed_offsets, records
from streams.settings import Settings
from streams.simulate import World, backfill, state_coverage
from streams.simulate.calibration import AUTHORITIES
from streams.stack import stack
from streams.stack.stack import Service
from streams.times import naive

__all__ = ["YearTimes", "command", "measure"]

_PATIENCE_SECONDS = 900
_POLL_SECONDS = 0.5
_TELL_SECONDS = 10
_PARTS = {"land": ("land",), "watch": ("watch",), "build": ("build", "--follow")}

_BUILDS = "SELECT started_at, finished_at, rows, is_watched FROM marts.run.builds WHERE ok ORDER BY started_at"
_HEARTBEATS = "SELECT received_at, offsets FROM landing.main.heartbeats ORDER BY kafka_offset"
_LANDED = """
    SELECT max(landed_at)
    FROM (SELECT landed_at FROM landing.main.events UNION ALL SELECT landed_at FROM landing.main.quarantine)
"""

Say = Callable[[str], None]
Build = tuple[datetime, datetime, int, bool]


@dataclass(frozen=True)
class YearTimes:
    """
    Seconds from the first record sent until the last record had reached each stage.

    `produced_seconds`, `landed_seconds`, `judged_seconds` and `built_seconds` are the times until the last record was
    sent, landed, evaluated and built. After `settled_seconds`, the last record was in marts that were built at the
    watcher's watermark. Up to that time, there were `builds` builds, which took `building_seconds` in total. The
    first figures existed after `first_build_seconds`.
    """

    authority: str
    days: int
    records: int
    produced_seconds: float
    landed_seconds: float
    judged_seconds: float
    first_build_seconds: float
    builds: int
    building_seconds: float
    last_build_seconds: float
    built_seconds: float
    settled_seconds: float


@click.command("year")
@click.option(
    "--authority", type=click.Choice(list(AUTHORITIES)), help="GSS code of the borough.  [default: CAF_AUTHORITY]"
)
@click.option("--days", type=click.IntRange(min=1), default=365, show_default=True, help="Length of the history.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(authority: str | None, days: int, as_json: bool) -> None:
    """
    Send a year of history, and wait until it is landed, evaluated and built.

    The command uses a broker, a database, a lander, a watcher and a builder of its own. It removes them afterwards.
    """
    settings = Settings.from_env()
    measured = measure(settings, authority or settings.authority, days, lambda text: click.echo(text, err=as_json))
    if as_json:
        click.echo(json.dumps(asdict(measured)))
        return
    click.echo(f"{measured.records:,} records, {days} days of {measured.authority}; seconds after the first was sent:")
    for stage in ("produced", "landed", "judged", "built", "settled"):
        click.echo(f"  {stage:8} {getattr(measured, f'{stage}_seconds'):6.1f}")
    click.echo(
        f"first figures after {measured.first_build_seconds} s; {measured.builds} builds took "
        f"{measured.building_seconds} s, the last one {measured.last_build_seconds} s"
    )


def measure(settings: Settings, authority: str, days: int, say: Say) -> YearTimes:
    """
    Send a year of history, and measure when its last record reaches each stage.

    Raises:
        StackFailed: a server or part did not start, or the history was not built in time.
    """
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    say(f"Making {days} days of {authority} …")
    world = World(1, [authority], midnight - timedelta(days=days), midnight)
    world.records()
    with own_servers(settings, say) as own, connect(own) as lake:
        commands = {name: (sys.executable, "-m", "streams.cli", *verb) for name, verb in _PARTS.items()}
        began = naive(datetime.now(UTC))
        stack.up(own, [Service(name=name, command=words) for name, words in commands.items()], say=say)
        state_coverage(own, world, goes_on=True)
        history = backfill(own, world)
        produced = naive(datetime.now(UTC))
        say(f"{history.total:,} records sent in {history.elapsed:.0f} s; waiting until they are in the marts …")
        builds = _wait(own, lake, history.total, say)
        landed, evaluated = one_row(lake.execute(_LANDED))[0], _evaluated(lake, history.total)

    def seconds(moment: datetime) -> float:
        return round((moment - began).total_seconds(), 1)

    return YearTimes(
        authority=authority,
        days=days,
        records=history.total,
        produced_seconds=seconds(produced),
        landed_seconds=seconds(landed),
        judged_seconds=seconds(evaluated),
        first_build_seconds=seconds(builds[0][1]),
        builds=len(builds),
        building_seconds=round(sum((ended - started).total_seconds() for started, ended, *_ in builds), 1),
        last_build_seconds=round((builds[-1][1] - builds[-1][0]).total_seconds(), 1),
        built_seconds=seconds(next(ended for _, ended, rows, _ in builds if rows >= history.total)),
        settled_seconds=seconds(builds[-1][1]),
    )


def _wait(settings: Settings, lake: duckdb.DuckDBPyConnection, total: int, say: Say) -> list[Build]:
    """
    Wait until a build at the watermark has succeeded with all records. Return the successful builds up to that one.

    Raises:
        StackFailed: a part ended, or no such build was made in time.
    """
    told = began = time.monotonic()
    while time.monotonic() < began + _PATIENCE_SECONDS:
        builds = _builds(lake)
        whole = [number for number, build in enumerate(builds, 1) if build[2] >= total and build[3]]
        if whole:
            return builds[: whole[0]]
        if failed := [part.part for part in stack.status(settings) if part.part in _PARTS and part.state != "running"]:
            raise StackFailed(f"{failed[0]} ended before the history was built")
        if time.monotonic() > told + _TELL_SECONDS:
            told = time.monotonic()
            say(f"  {told - began:.0f} s: {_reached(lake)}, {builds[-1][2] if builds else 0:,} built")
        time.sleep(_POLL_SECONDS)
    raise StackFailed(f"the history was not evaluated, landed and built within {_PATIENCE_SECONDS} s")


def _builds(lake: duckdb.DuckDBPyConnection) -> list[Build]:
    try:
        return lake.execute(_BUILDS).fetchall()
    except duckdb.CatalogException:
        return []  # the first build makes the table that this query reads


def _reached(lake: duckdb.DuckDBPyConnection) -> str:
    """Describe how many records have landed, and how many were evaluated according to the last landed heartbeat."""
    beats = lake.execute(_HEARTBEATS).fetchall()
    landed, evaluated = landed_offsets(lake), beats[-1][1] if beats else {}
    return f"{records(landed):,} landed, {records(evaluated):,} evaluated"


def _evaluated(lake: duckdb.DuckDBPyConnection, total: int) -> datetime:
    """Return the arrival time of the first heartbeat after all records were evaluated."""
    beats: list[tuple[datetime, Any]] = lake.execute(_HEARTBEATS).fetchall()
    for received_at, offsets in beats:
        if records(offsets) >= total:
            return received_at
    raise StackFailed("the lake has no heartbeat at the end of the history")
