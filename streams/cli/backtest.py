"""`./caf backtest`: show which alerts other thresholds, or other SQL of a rule, would have raised."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from streams.cli.lake import lake_settings
from streams.rules.backtest import Backtest, Raised, backtest

__all__ = ["command"]


@click.command("backtest")
@click.argument("rule")
@click.option(
    "--change",
    "changes",
    multiple=True,
    metavar="THRESHOLD=VALUE",
    help="Another value of a threshold, in every practice profile.",
)
@click.option(
    "--sql",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with another SQL text of the rule.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Compare alerts from this day on (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print the figures and every difference as JSON.")
def command(*, rule: str, changes: tuple[str, ...], sql: Path | None, since: datetime | None, as_json: bool) -> None:
    """
    Try a changed RULE on everything that has landed, and show which alerts it adds, loses or moves in time.

    './caf rules RULE' lists the thresholds that you can change. The command evaluates the whole history twice:
    once with the rule as it is, and once with the changed rule. It writes nothing.
    """
    named = dict(_named(change) for change in changes)
    tried = backtest(
        lake_settings(),
        rule,
        named,
        sql=sql,
        since=since and since.date(),
        progress=_say,
    )
    click.echo(json.dumps(_figures(tried), default=str) if as_json else _text(tried), nl=as_json)


def _named(change: str) -> tuple[str, str]:
    name, is_named, value = change.partition("=")
    if not is_named:
        raise click.BadParameter(f"{change!r} does not have the form THRESHOLD=VALUE", param_hint="--change")
    return name.strip(), value.strip()


def _say(done: int, of: int) -> None:
    """
    Show progress on standard error, in one line that is overwritten.

    Show nothing if standard error is not a terminal.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(f"{done:,} of {of:,} events", end="\n" if done == of else "\r")


def _figures(tried: Backtest) -> dict[str, Any]:
    return {
        "rule": tried.rule,
        "changes": tried.changes,
        "events": tried.events,
        "since": tried.since,
        "as_of": tried.as_of,
        "before": len(tried.before),
        "after": len(tried.after),
        "before_per_day": round(len(tried.before) / tried.days, 3),
        "after_per_day": round(len(tried.after) / tried.days, 3),
        "months": _counted(tried, _month),
        "areas": _counted(tried, lambda one: one.area),
        "gained": [vars(one) for one in tried.gained],
        "lost": [vars(one) for one in tried.lost],
        "moved": [{"before": vars(old), "after": vars(new)} for old, new in tried.moved],
        "rerated": [{"before": vars(old), "after": vars(new)} for old, new in tried.rerated],
    }


def _counted(tried: Backtest, by: Callable[[Raised], str]) -> list[dict[str, Any]]:
    """Count alerts by month or area. An alert that changed is counted in the month or area that it had before."""
    counts = {
        "before": Counter(map(by, tried.before)),
        "after": Counter(map(by, tried.after)),
        "gained": Counter(map(by, tried.gained)),
        "lost": Counter(map(by, tried.lost)),
        "moved": Counter(by(old) for old, _ in tried.moved),
        "rerated": Counter(by(old) for old, _ in tried.rerated),
    }
    names = sorted(set().union(*counts.values()))
    return [{"name": name, **{kind: found[name] for kind, found in counts.items()}} for name in names]


def _month(alert: Raised) -> str:
    return f"{alert.anchored_at:%Y-%m}"


def _text(tried: Backtest) -> str:
    console = Console(width=100)
    with console.capture() as captured:
        what = ", ".join(f"{name} = {value}" for name, value in tried.changes.items()) or "another SQL text"
        console.print(f"{tried.rule} with {what}")
        console.print(
            f"{tried.events:,} events, alerts from {tried.since:%d %B %Y} to {tried.as_of:%d %B %Y}: "
            f"{len(tried.before):,} before ({len(tried.before) / tried.days:.2f} a day), "
            f"{len(tried.after):,} after ({len(tried.after) / tried.days:.2f} a day)"
        )
        for title, by in (("month", _month), ("area", lambda one: one.area)):
            console.print(_table(title, _counted(tried, by)))
        console.print("moved: an alert about the same family or referral, at another time; counted where it was before")
    return captured.get()


def _table(title: str, lines: list[dict[str, Any]]) -> Table:
    table = Table(title, *("before", "after", "gained", "lost", "moved", "rerated"))
    for line in lines:
        table.add_row(*(str(value) for value in line.values()))
    return table
