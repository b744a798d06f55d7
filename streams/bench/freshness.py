"""
`./caf bench freshness`: the time from producing a referral until the locality mart counts it.

Airflow runs the builds.
"""

import json
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

import click
import duckdb

from streams.bench.followed import SOURCE, Followed
from streams.bench.servers import own_servers
from streams.errors import StackFailed
from streams.kafka.client import producer
from streams.lake.connect import connect
from streams.marts.progress import progress
from streams.settings import Settings
from streams.simulate import World, backfill, state_coverage
from streams.stack import stack
from streams.times import aware, wait_for

__all__ = ["FreshnessTimes", "Spread", "command", "measure"]

_SETTLE_SECONDS = 900
_PATIENCE_SECONDS = 180
_POLL_SECONDS = 0.25

_COUNTED = """
    SELECT area_code, sum(numerator)::BIGINT FROM marts.analytics.mart_locality_need
    WHERE area_level = 'lsoa' AND period_kind = 'month' AND measure = 'referrals' GROUP BY area_code
"""

_LANDED = f"SELECT event_id, landed_at FROM landing.main.events WHERE event_source = '{SOURCE}'"

_BUILT = f"""
    SELECT event_id, min(builds.started_at)
    FROM landing.main.events
    JOIN marts.run.builds ON builds.ok AND builds.cut[topic][kafka_partition + 1] > kafka_offset
    WHERE event_source = '{SOURCE}' GROUP BY event_id
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Spread:
    """Statistics of the seconds from producing an event until it reached a stage."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True)
class FreshnessTimes:
    """
    The results of `./caf bench freshness`: the age of figures, and the time that a history needs to reach the marts.

    All times are in seconds.

    `landed` is the time from producing an event until its batch was written. `begun` is the time until the
    start of the first build that read the event. `visible` is the time until a query first counted the event.
    """

    history: int
    produced_seconds: float
    settled_seconds: float
    events: int
    missing: int
    landed: Spread
    begun: Spread
    visible: Spread


@click.command("freshness")
@click.option("--events", type=click.IntRange(min=2), default=40, show_default=True, help="Referrals to follow.")
@click.option("--rate", type=float, default=0.25, show_default=True, help="Referrals a second, at random moments.")
@click.option("--days", type=click.IntRange(min=1), default=90, show_default=True, help="Length of the history.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(events: int, rate: float, days: int, as_json: bool) -> None:
    """
    Measure the age of figures on a stack with Airflow, which is started for this and removed afterwards.

    The command queries the mart four times a second, as any user could.
    """
    measured = measure(
        Settings.from_env(), events=events, rate=rate, days=days, say=lambda text: click.echo(text, err=as_json)
    )
    if as_json:
        click.echo(json.dumps(asdict(measured)))
        return
    click.echo(f"history of {measured.history:,} records: sent in {measured.produced_seconds} s, ")
    click.echo(f"  landed, evaluated and built {measured.settled_seconds} s after its first record was sent")
    click.echo(f"{measured.events} referrals, {measured.missing} never counted; seconds after producing:")
    for stage in ("landed", "begun", "visible"):
        spread = getattr(measured, stage)
        click.echo(f"  {stage:8} p50 {spread.p50:5.1f}  p95 {spread.p95:5.1f}  max {spread.max:5.1f}")


def measure(settings: Settings, *, events: int, rate: float, days: int, say: Say) -> FreshnessTimes:
    """
    Measure how long a history takes to reach the marts, and then how old the figures are.

    Raises:
        StackFailed: the stack did not start, the history was not built in time, or the mart counted fewer than two
            referrals.
    """
    with own_servers(settings, say) as own:
        connect(own).close()  # make the lake before Airflow's tasks need it
        stack.up(own, ("airflow",), say=say)
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        world = World(1, [own.authority], midnight - timedelta(days=days), midnight)
        world.records()
        say(f"Sending {days} days of history …")
        began = time.monotonic()
        state_coverage(own, world, goes_on=True)
        history = backfill(own, world)
        _settle(own)
        settled = time.monotonic() - began
        say(f"Settled after {settled:.0f} s; following {events} referrals …")
        with connect(own) as lake:
            followed = _follow(own, lake, events, rate)
            landed, begun = dict(lake.execute(_LANDED).fetchall()), dict(lake.execute(_BUILT).fetchall())
    produced, visible = followed.produced, followed.visible
    if len(visible) < 2:
        raise StackFailed(f"{len(visible)} of {events} referrals were counted within {_PATIENCE_SECONDS} s")
    return FreshnessTimes(
        history=history.total,
        produced_seconds=round(history.elapsed, 1),
        settled_seconds=round(settled, 1),
        events=events,
        missing=events - len(visible),
        landed=_spread(produced, {event: aware(at) for event, at in landed.items()}),
        begun=_spread(produced, {event: aware(at) for event, at in begun.items()}),
        visible=_spread(produced, visible),
    )


def _settle(settings: Settings) -> None:
    if not wait_for(lambda: progress(settings).settled, _SETTLE_SECONDS, every=0.5):
        raise StackFailed(f"the history was not evaluated, landed and built within {_SETTLE_SECONDS} s")


def _follow(settings: Settings, lake: duckdb.DuckDBPyConnection, events: int, rate: float) -> Followed:
    """Send referrals at random moments. Query the mart until it has counted all of them, or time is up."""
    followed, chance = Followed(settings, dict(lake.execute(_COUNTED).fetchall())), random.Random()
    due = last = time.monotonic()
    with closing(producer(settings, linger_ms=0)) as client:
        while len(followed.visible) < events and time.monotonic() < last + _PATIENCE_SECONDS:
            if len(followed.produced) < events and time.monotonic() >= due:
                followed.send(client)
                last = time.monotonic()
                due = last + chance.expovariate(rate)
            followed.look(dict(lake.execute(_COUNTED).fetchall()))
            time.sleep(_POLL_SECONDS)
    return followed


def _spread(produced: dict[str, datetime], reached: dict[str, datetime]) -> Spread:
    seconds = [(at - produced[event]).total_seconds() for event, at in reached.items()]
    p95 = quantiles(seconds, n=20, method="inclusive")[-1]
    return Spread(round(median(seconds), 1), round(p95, 1), round(max(seconds), 1))
