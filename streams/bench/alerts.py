"""`./caf bench alerts`: the time from producing an event until a process other than the watcher reads the alert."""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import click
import psutil

from streams.bench.against_oracle import Agreement, against_oracle
from streams.bench.alert_load import Load
from streams.bench.echo import floor
from streams.bench.live import Latencies, latencies, send_live
from streams.bench.restart import WATCH, restart
from streams.bench.servers import own_servers
from streams.bench.watched import send_history, wait_until_evaluated, watch_mb
from streams.errors import PartsDisagree
from streams.rules.compiled import compiled_rules
from streams.settings import Settings
from streams.stack import processes, stack

__all__ = ["AlertTimes", "command", "measure"]


@dataclass(frozen=True)
class AlertTimes:
    """
    The results of `./caf bench alerts`. Memory is in MB.

    `load_average` is the load average of the whole machine over the last minute. If it is high, other programs have
    disturbed the figures. `floor` has the times for a process that reads records and only forwards them, on the same
    broker and at the same rate.
    """

    rate: int
    history: int
    watchers: int
    events: int
    missing: int
    alerts: Latencies | None
    by_severity: dict[str, Latencies | None]
    floor: Latencies | None
    history_events_per_second: float
    watch_mb: float
    restart_seconds: float | None
    restart_mb: float | None
    load_average: float


@click.command("alerts")
@click.option("--rate", type=int, default=100, show_default=True, help="Live events a second.")
@click.option("--history", type=int, default=100_000, show_default=True, help="Events before the live ones.")
@click.option(
    "--watchers", type=click.IntRange(min=1), default=1, show_default=True, help="One leader; the others are standbys."
)
@click.option("--seconds", type=int, default=60, show_default=True, help="How long live events are sent.")
@click.option(
    "--restart/--no-restart", "restarts", default=True, help="Also measure a restart with the history landed."
)
@click.option("--check-oracle", type=int, metavar="SEEDS", help="Compare every rule with the oracle on new worlds.")
@click.option("--first-seed", type=int, help="First seed of these worlds, to repeat a run.  [default: random]")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(
    rate: int,
    history: int,
    watchers: int,
    seconds: int,
    *,
    restarts: bool,
    check_oracle: int | None,
    first_seed: int | None,
    as_json: bool,
) -> None:
    """
    Measure the time to an alert. The command starts a broker, a database and a watcher for this, and stops them
    afterwards.

    One live event in five raises an alert. Alerts are durable (acks=all) before they are received. With --check-oracle,
    the command measures only the recall and precision of each rule. The exit code is then 0 only if both are 1 for
    every rule.
    """
    settings = Settings.from_env()
    if check_oracle is not None:
        first = random.SystemRandom().randrange(10**9) if first_seed is None else first_seed
        _agree(against_oracle(settings, first, check_oracle, _tell), first, check_oracle, as_json=as_json)
        return
    measured = measure(settings, rate, history, seconds, watchers=watchers, restarts=restarts)
    click.echo(json.dumps(asdict(measured)) if as_json else "\n".join(_lines(measured)))


def measure(settings: Settings, rate: int, history: int, seconds: int, *, watchers: int, restarts: bool) -> AlertTimes:
    """
    Measure the time from producing live events until their alerts are read.

    Raises:
        WatchSilent: the watcher did not finish the history, or raised no alert after its restart.
    """
    load = Load(history, settings.authority)
    with own_servers(settings, _tell) as own:
        compiled_rules(own)
        echoes = floor(own, rate, _tell)
        send_history(own, load)
        began = time.monotonic()
        helpers = [replace(WATCH, name=f"{WATCH.name}-{number}") for number in range(2, watchers + 1)]
        stack.up(own, (WATCH, *helpers), say=_tell)
        wait_until_evaluated(own)
        elapsed = time.monotonic() - began
        sent, received = send_live(own, load, rate, seconds)
        memory, load_average = watch_mb(own), psutil.getloadavg()[0]
        for helper in helpers:
            processes.stop(own.home, helper.name)
        restarted = restart(own, load, _tell) if restarts else None
        restart_mb = watch_mb(own) if restarts else None
    waited = {one: (received[one][0] - at, received[one][1]) for one, at in sent.items() if one in received}
    severities = sorted({severity for _, severity in waited.values()})
    return AlertTimes(
        rate=rate,
        history=history,
        watchers=watchers,
        events=len(sent),
        missing=len(load.referrals & sent.keys() - received.keys()),
        alerts=latencies([wait for wait, _ in waited.values()]),
        by_severity={one: latencies([wait for wait, of in waited.values() if of == one]) for one in severities},
        floor=latencies(echoes),
        history_events_per_second=round(history / elapsed, 1),
        watch_mb=memory,
        restart_seconds=restarted and round(restarted, 1),
        restart_mb=restart_mb,
        load_average=round(load_average, 1),
    )


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _lines(measured: AlertTimes) -> Iterator[str]:
    yield f"machine: load average {measured.load_average} after the live events"
    yield (
        f"history evaluated at {measured.history_events_per_second:,.0f} events/s by {measured.watchers}; "
        f"watch uses {measured.watch_mb:,.0f} MB"
    )
    if measured.restart_seconds is not None:
        yield (
            f"restarted with {measured.history:,} events: first alert after {measured.restart_seconds} s, "
            f"{measured.restart_mb:,.0f} MB"
        )
    yield f"{measured.events:,} live events at {measured.rate}/s, {measured.missing} alerts missing; ms until received:"
    rows = {"alerts": measured.alerts, **{f"  {name}": one for name, one in measured.by_severity.items()}}
    for name, one in {**rows, "bare echo": measured.floor}.items():
        if one is not None:
            yield (
                f"  {name:10} {one.count:6,}  p50 {one.p50_ms:6.1f}  p95 {one.p95_ms:6.1f}  "
                f"p99 {one.p99_ms:6.1f}  max {one.max_ms:7.1f}"
            )
    if measured.alerts and measured.floor:
        yield f"  p50 is {measured.alerts.p50_ms / measured.floor.p50_ms:.1f} times that of the bare echo"


def _agree(found: list[Agreement], first: int, seeds: int, *, as_json: bool) -> None:
    """
    Print the recall and precision of each rule.

    Raises:
        PartsDisagree: a rule and the oracle disagree.
    """
    if as_json:
        rows = [{**asdict(one), "recall": one.recall, "precision": one.precision} for one in found]
        click.echo(json.dumps({"first_seed": first, "seeds": seeds, "rules": rows}))
    else:
        click.echo(f"{seeds} seeds from {first}, two worlds each")
        click.echo(f"  {'rule':34} {'expected':>8} {'raised':>8} {'recall':>8} {'precision':>9}")
        for one in found:
            click.echo(f"  {one.rule:34} {one.expected:8,} {one.raised:8,} {one.recall:8.4f} {one.precision:9.4f}")
    if wrong := [one.rule for one in found if (one.recall, one.precision) != (1, 1)]:
        raise PartsDisagree(f"different from the oracle, in worlds from seed {first}: {', '.join(wrong)}")
