"""`./caf bench soak`: hours of ordinary load, to see whether the watcher's memory, tables or latency grow."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass

import click
from kafka import KafkaProducer

from streams.bench.alert_load import EVENTS_PER_FAMILY, Load
from streams.bench.live import Latencies, latencies, listening
from streams.bench.restart import WATCH
from streams.bench.servers import own_servers
from streams.bench.watched import behind, send_history, wait_until_evaluated, watch_mb
from streams.errors import StackFailed
from streams.kafka.client import producer
from streams.lake.connect import catalog_dsn
from streams.lake.session import Session
from streams.rules.compiled import compiled_rules
from streams.settings import PROJECT, Settings
from streams.stack import stack
from streams.stack.environ import project_environment

__all__ = ["Sample", "command", "soak"]

_FAMILIES = 1_000
_HEARD_SECONDS = 5
"""How many seconds to wait for the alert about a followed referral. A later alert is left out of the sample."""
_TABLES = """
    SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint, coalesce(sum(n_live_tup), 0)::bigint,
           coalesce(sum(n_dead_tup), 0)::bigint, coalesce(sum(vacuum_count + autovacuum_count), 0)::bigint,
           (SELECT count(*) FROM watch.events)
    FROM pg_stat_user_tables
    WHERE schemaname = 'watch'
"""
_LOG = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


@dataclass(frozen=True)
class Sample:
    """
    The measurements of one interval of a soak.

    `alerts` has the times from producing a referral to reading its alert; one referral is sent each second. `behind` is
    the number of records that were not evaluated at the end of the interval. `table_bytes`, `rows`, `dead_rows` and
    `vacuums` cover all the watcher's tables. `wal_bytes` is the size of the write-ahead log that was written during the
    interval.
    """

    minute: float
    events: int
    alerts: Latencies | None
    behind: int
    watch_mb: float
    table_bytes: int
    rows: int
    dead_rows: int
    vacuums: int
    wal_bytes: int


@click.command("soak")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=120.0, show_default=True)
@click.option("--rate", type=float, default=100.0, show_default=True, help="Ordinary events a second.")
@click.option("--every", type=float, default=60.0, show_default=True, help="Seconds between two lines.")
@click.option("--json", "as_json", is_flag=True, help="Print the samples as JSON (everything else goes to stderr).")
def command(minutes: float, rate: float, every: float, *, as_json: bool) -> None:
    """
    Observe the watcher for hours: its alerts, memory, tables in PostgreSQL, dead rows and write-ahead log.

    The command sends simulated events of all kinds. Some events are wrong, corrected, withdrawn or sent twice, and a
    simulated desk acknowledges and closes alerts. In addition, the command sends one referral each second, and measures
    the time to its alert. It uses servers of its own, and stops them afterwards.
    """
    samples = []
    for sample in soak(Settings.from_env(), 60 * minutes, rate, every):
        samples.append(sample)
        if not as_json:
            click.echo(_line(sample))
    if as_json:
        click.echo(json.dumps([asdict(sample) for sample in samples]))


def soak(settings: Settings, seconds: float, rate: float, every: float) -> Iterator[Sample]:
    """
    Send ordinary load for `seconds`. Yield the measurements of each interval of `every` seconds.

    Raises:
        StackFailed: a server or the sender of events cannot be started, or has ended.
    """
    with own_servers(settings, _tell) as own:
        compiled_rules(own)
        load = Load(_FAMILIES * EVENTS_PER_FAMILY, own.authority, name="soak")
        send_history(own, load)
        stack.up(own, (WATCH,), say=_tell)
        wait_until_evaluated(own)
        with (
            _simulating(own, rate, seconds),
            closing(producer(own)) as client,
            listening(own) as received,
            closing(Session(catalog_dsn(own), "caf bench")) as session,
        ):
            began, log = time.monotonic(), session.run(_LOG)[0][0]
            while time.monotonic() < began + seconds:
                sent = _send_referrals(load, client, every - _HEARD_SECONDS)
                time.sleep(_HEARD_SECONDS)
                size, rows, dead, vacuums, events = session.run(_TABLES)[0]
                before, log = log, session.run(_LOG)[0][0]
                yield Sample(
                    minute=round((time.monotonic() - began) / 60, 1),
                    events=events,
                    alerts=latencies([received[one][0] - at for one, at in sent.items() if one in received]),
                    behind=behind(own),
                    watch_mb=watch_mb(own),
                    table_bytes=size,
                    rows=rows,
                    dead_rows=dead,
                    vacuums=vacuums,
                    wal_bytes=log - before,
                )


@contextmanager
def _simulating(settings: Settings, rate: float, seconds: float) -> Iterator[None]:
    """Send a borough's live events, as `./caf simulate --live --desk` does."""
    options = ["--live", "--desk", "--days", "30", "--rate", str(rate), "--for", str(round(seconds) + 60)]
    simulation = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "simulate", *options],
        env=project_environment(settings),
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        if simulation.poll():
            raise StackFailed(f"the simulation ended with exit code {simulation.returncode}")
    finally:
        simulation.terminate()
        simulation.wait()


def _send_referrals(load: Load, client: KafkaProducer, seconds: float) -> dict[str, float]:
    """Send one referral a second, about families that were referred before. Return when each was sent, by event id."""
    sent: dict[str, float] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        event, (topic, key, value) = load.referral(f"F-{random.randrange(_FAMILIES)}")
        sent[event] = time.monotonic()
        client.send(topic, key=key, value=value)
        time.sleep(1)
    return sent


def _line(sample: Sample) -> str:
    found = sample.alerts
    waits = "no alerts" if found is None else f"p50 {found.p50_ms:6.1f}  p99 {found.p99_ms:7.1f} ms of {found.count}"
    return (
        f"{sample.minute:6.1f} min  {sample.events:9,} events  {waits}  behind {sample.behind:5,}  "
        f"watch {sample.watch_mb:5.0f} MB  tables {sample.table_bytes / 1e6:7.1f} MB "
        f"({sample.table_bytes / max(1, sample.events):4.0f} bytes an event)  dead rows {sample.dead_rows:7,}  "
        f"vacuums {sample.vacuums:4}  WAL {sample.wal_bytes / 1e6:6.1f} MB"
    )


def _tell(text: str) -> None:
    click.echo(text, err=True)
