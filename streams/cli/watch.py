"""`./caf watch`: raise alerts. With `--check`, the command only reports whether the watcher is alive."""

import json
import signal
import threading
from datetime import UTC, datetime

import click

from streams.cli.lake import lake_settings
from streams.errors import WatchSilent
from streams.settings import Settings

__all__ = ["command"]


@click.command("watch")
@click.option("--for", "for_seconds", type=float, metavar="SECONDS", help="Stop after this many seconds.")
@click.option("--check", is_flag=True, help="Only tell whether the watcher is alive; exit code 1 if it is not.")
@click.option(
    "--max-age", type=float, default=10, show_default=True, help="Seconds without a heartbeat that --check allows."
)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def command(for_seconds: float | None, check: bool, max_age: float, as_json: bool) -> None:
    """
    Evaluate every event as it arrives and publish alerts, until SIGTERM or Ctrl-C.

    One watcher is the leader. A second one waits as a standby, and takes over when the leader ends. The watcher keeps
    its state in PostgreSQL. After a restart, it continues where it stopped: it forgets nothing, and publishes no
    alert version twice.

    `--check` is the dead-man check: run it from outside, for example each minute. It needs only Kafka.
    './caf status --check PART' does the same for any part.
    """
    if check:
        _check(Settings.from_env(), max_age, as_json)
        return
    from streams.watch.run import run

    stopping = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopping.set())
    watched = run(lake_settings(), until=stopping.is_set, for_seconds=for_seconds)
    if as_json:
        click.echo(json.dumps({"records": watched.records, "alerts": watched.alerts, "terms": watched.terms}))
    else:
        click.echo(f"evaluated {watched.records} records, published {watched.alerts} alert versions")


def _check(settings: Settings, max_age: float, as_json: bool) -> None:
    from streams.kafka.heartbeat import last_heartbeat

    found = last_heartbeat(settings)
    age = None if found is None else (datetime.now(UTC) - found[1]).total_seconds()
    if as_json:
        leader = found[0].leader if found else None
        click.echo(json.dumps({"alive": age is not None and abs(age) <= max_age, "age_seconds": age, "leader": leader}))
    if age is None:
        raise WatchSilent("the watcher has never sent a heartbeat; start it with './caf watch'")
    if age < -max_age:
        raise WatchSilent("the watcher's last heartbeat is from before the clock was set back; none has come since")
    if age > max_age:
        raise WatchSilent(f"the watcher has been silent for {age:.0f} s; allowed: {max_age:.0f} s")
    if not as_json:
        click.echo(f"the watcher is alive; its last heartbeat is {max(0.0, age):.1f} s old")
