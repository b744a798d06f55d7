"""`./caf demo`: run the whole system with one command."""

import json
import secrets
import signal
import sys
import threading

import click
from rich.console import Console

from streams.settings import Settings
from streams.stack.machine import check_home
from streams.stack.pages import service
from streams.stack.stack import check_machine

__all__ = ["command"]


@click.command("demo")
@click.option(
    "--for", "seconds", default="120s", show_default=True, help="Length of the live part; '0' means until Ctrl-C."
)
@click.option(
    "--rate",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Ordinary events per second. Planted cases are added to them.",
)
@click.option(
    "--days", default=365, show_default=True, type=click.IntRange(1), help="Days of history that are sent first."
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same borough.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON (everything else goes to stderr).")
def command(seconds: str, rate: float, days: int, seed: int, as_json: bool) -> None:
    """
    Start Kafka, PostgreSQL, Airflow and the pages, send a year of a simulated borough, then live events.

    The demo prints each alert as it arrives, and the figures of the wards as they change. At the end, or after Ctrl-C,
    the demo waits for the figures, stops everything and checks the results. A second Ctrl-C stops everything at once,
    without the checks. The exit code is 0 only if every record is accounted for, every
    planted case raised its alert, streamed and rebuilt alerts agree, and the marts have the last event.
    """
    from streams.demo import demo
    from streams.demo.home import home_of_demo
    from streams.demo.run import Plan

    console = Console(stderr=as_json)
    settings = Settings.from_env()
    plan = Plan(seconds=_seconds(seconds), rate=rate, days=days, seed=seed)
    check_home(settings.home)
    with home_of_demo(settings):
        check_machine(settings)
        _let_in(settings, console)
        stop = threading.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: _stop(stop))
        verdict = demo(settings, plan, console, stop)
    for sentence, held in verdict.checks.items():
        console.print(f"{'✓' if held else '✗'} {sentence}", style="green" if held else "red")
    for detail in verdict.details[:50]:
        console.print(f"    {detail}", highlight=False)
    if as_json:
        click.echo(json.dumps({"ok": verdict.ok, "checks": verdict.checks, "details": verdict.details}))
    sys.exit(0 if verdict.ok else 1)


def _stop(stop: threading.Event) -> None:
    """
    End the live events. If this was asked for before, end the demo.

    Raises:
        KeyboardInterrupt: it was asked for before.
    """
    if stop.is_set():
        raise KeyboardInterrupt
    stop.set()


def _let_in(settings: Settings, console: Console) -> None:
    """Print the address of the pages, and a link that logs the user in to the desk account of the simulated borough."""
    from dashboard.access.accounts import Accounts
    from dashboard.access.login import Door
    from streams.audit.recorder import Recorder

    password = secrets.token_urlsafe(15)
    Accounts(settings.home).add("demo", password)
    link = f"{service(settings).address}/login?link={Door(settings, Recorder(settings)).link('demo')}"
    console.print(f"Pages of the desk: {link}", highlight=False, soft_wrap=True)
    console.print(f"  or {service(settings).address}, user demo, password {password}", highlight=False)


def _seconds(text: str) -> float | None:
    """Read a length of time such as `120s`, `2m` or `120`. `0` means that there is no time limit."""
    factors = {"s": 1, "m": 60, "h": 3600}
    number, factor = (text[:-1], factors[text[-1]]) if text[-1:] in factors else (text, 1)
    try:
        value = float(number) * factor
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a length of time; allowed: 90, 90s, 2m, 1h", param_hint="--for"
        ) from None
    return value or None
