"""`./caf bench alerts`: event produced → alert received by a process that is not the watcher."""

import json
import sys
import threading
import time
from dataclasses import dataclass
from statistics import quantiles

import click
import psutil

from streams import names
from streams.bench.alert_load import Load
from streams.bench.servers import own_servers
from streams.errors import WatchSilent
from streams.kafka.client import end_offsets, producer
from streams.rules.compiled import compiled_rules
from streams.settings import Settings
from streams.stack import processes, stack
from streams.stack.stack import Service
from streams.watch.follow import follow
from streams.watch.restore import last_heartbeat

__all__ = ["Measured", "command", "measure"]

_PATIENCE_SECONDS = 900
_DRAIN_SECONDS = 5


@dataclass(frozen=True)
class Measured:
    """Latencies in milliseconds from producing an event to receiving its alert; memory in MB."""

    rate: int
    history: int
    events: int
    alerts: int
    missing: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    history_events_per_second: float
    watch_mb: float


@click.command("alerts")
@click.option("--rate", type=int, default=100, show_default=True, help="Live events a second.")
@click.option("--history", type=int, default=100_000, show_default=True, help="Events before the live ones.")
@click.option("--seconds", type=int, default=60, show_default=True, help="How long live events come.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def command(rate: int, history: int, seconds: int, as_json: bool) -> None:
    """Measure on a broker, a database and a watcher of its own, which are stopped afterwards.

    One live event in five raises an alert; alerts are durable (acks=all) before they are received.
    """
    measured = measure(Settings.from_env(), rate, history, seconds)
    if as_json:
        click.echo(json.dumps(measured.__dict__))
        return
    click.echo(
        f"history judged at {measured.history_events_per_second:,.0f} events/s; watch uses {measured.watch_mb} MB"
    )
    click.echo(
        f"{measured.alerts} alerts on {measured.events} events at {rate}/s, {measured.missing} missing: "
        f"p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms, max {measured.max_ms:.1f} ms"
    )


def measure(settings: Settings, rate: int, history: int, seconds: int) -> Measured:
    """
    Run the measurement.

    Raises:
        WatchSilent: the watcher did not get through the history.
    """
    load = Load(history, settings.authority)
    with own_servers(settings, _tell) as own:
        compiled_rules(own)
        _produce_history(own, load)
        started = time.monotonic()
        stack.up(own, (Service(name="watch", command=(sys.executable, "-m", "streams.cli", "watch")),), say=_tell)
        _wait_until_judged(own)
        elapsed = time.monotonic() - started
        sent, received = _live(own, load, rate, seconds)
        memory = psutil.Process(processes.find(own.home, "watch").pid).memory_info().rss / 1e6
    latencies = sorted(1000 * (received[one] - sent[one]) for one in sent if one in received)
    cuts = quantiles(latencies, n=100)
    return Measured(
        rate=rate,
        history=history,
        events=len(sent),
        alerts=len(latencies),
        missing=len(load.referrals - received.keys()),
        p50_ms=round(cuts[49], 1),
        p99_ms=round(cuts[98], 1),
        max_ms=round(latencies[-1], 1),
        history_events_per_second=round(history / elapsed, 1),
        watch_mb=round(memory, 1),
    )


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _produce_history(settings: Settings, load: Load) -> None:
    client = producer(settings, linger_ms=20)
    for topic, key, value in load.history():
        client.send(topic, key=key, value=value)
    client.flush()
    client.close()


def _wait_until_judged(settings: Settings) -> None:
    ends = end_offsets(settings, names.INPUT_TOPICS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = last_heartbeat(settings)
        if found and all(found[0].offsets[one.topic][one.partition] >= end for one, end in ends.items()):
            return
        time.sleep(0.2)
    raise WatchSilent(f"the watcher did not judge the history within {_PATIENCE_SECONDS} s")


def _live(settings: Settings, load: Load, rate: int, seconds: int) -> tuple[dict[str, float], dict[str, float]]:
    """When each event was sent, and when the first alert that it anchors was received."""
    received: dict[str, float] = {}
    stop = threading.Event()
    reader = threading.Thread(target=_receive, args=(settings, received, stop))
    reader.start()
    client = producer(settings)
    sent: dict[str, float] = {}
    start = time.monotonic() + 2
    for number in range(rate * seconds):
        time.sleep(max(0, start + number / rate - time.monotonic()))
        event_id, (topic, key, value) = load.live()
        sent[event_id] = time.monotonic()
        client.send(topic, key=key, value=value)
    client.close()
    time.sleep(_DRAIN_SECONDS)
    stop.set()
    reader.join()
    return sent, received


def _receive(settings: Settings, received: dict[str, float], stop: threading.Event) -> None:
    for alert, _ in follow(settings, history=False, until=stop.is_set):
        received.setdefault(alert.anchor_id, time.monotonic())
