"""
`./caf routes`: show the routes of alerts.

The command shows who receives which alerts and how many, why an alert was sent to its recipients, and which alerts
reach nobody.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby

import click
import msgspec
from rich.console import Console
from rich.table import Table

from streams.lake.connect import connect
from streams.settings import Settings
from streams.stack import stack

__all__ = ["command"]


@click.command("routes")
@click.option("--alert", "alert_id", metavar="ID", help="Explain why this alert was sent to its recipients.")
@click.option("--check", is_flag=True, help="List alerts that would reach nobody; exit code 1 if there are any.")
@click.option("--load", is_flag=True, help="Show how many alerts a day each desk should expect, and has received.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(*, alert_id: str | None, check: bool, load: bool, as_json: bool) -> None:
    """List the routes in force for the authority. Every route that fits an alert adds a recipient."""
    if sum((alert_id is not None, check, load)) > 1:
        raise click.UsageError("give only one of --alert, --check and --load")
    if alert_id is not None:
        _explain(alert_id, as_json)
    elif check:
        _check(as_json)
    elif load:
        _load(as_json)
    else:
        _list(as_json)


def _list(as_json: bool) -> None:
    from streams.alerts.routing.routes import in_force, read_routes

    for route in in_force(read_routes(), Settings.from_env().authority, datetime.now(UTC).date()):
        conditions = ", ".join(
            f"{name} {value}" for name in ("severity", "hours", "family") if (value := getattr(route, name)) != "any"
        )
        click.echo(
            json.dumps(asdict(route), default=str)
            if as_json
            else f"{route.rule:<32} {route.role:<22} of {route.place:<14} {conditions}"
        )


def _check(as_json: bool) -> None:
    from streams.alerts.routing.gaps import gaps
    from streams.alerts.routing.routes import read_routes
    from streams.rules.register import rule_names

    found = gaps(read_routes(), rule_names(), datetime.now(UTC).date())
    for gap in found if as_json else ():
        click.echo(json.dumps(gap._asdict()))
    for rule, count in () if as_json else Counter(gap.rule for gap in found).items():
        click.echo(f"{rule}: {count} combinations of severity, hours, place and family reach nobody")
    if not found and not as_json:
        click.echo("every rule reaches somebody, at every severity and hour, wherever the family lives")
    sys.exit(1 if found else 0)


def _load(as_json: bool) -> None:
    from streams.alerts.routing.load import CAME_DAYS, came, expected_load
    from streams.alerts.routing.routes import in_force, read_routes
    from streams.rules.expected import expected_alerts
    from streams.rules.register import newest

    settings = Settings.from_env()
    routes = in_force(read_routes(), settings.authority, datetime.now(UTC).date())
    severities = {rule: line["severity"] for rule, line in newest().items()}
    expected = expected_load(routes, expected_alerts(), severities, settings.authority)
    found = None
    if stack.is_up(settings, "postgres"):
        with connect(settings, marts=None) as lake:
            found = came(lake)
    lines = sorted(
        (who.role, who.id, rule, expected.get((who, rule), 0.0), None if found is None else found.get((who, rule), 0.0))
        for who, rule in expected.keys() | (found or {}).keys()
    )
    if as_json:
        names = ("role", "id", "rule", "expected_a_day", "came_a_day")
        for line in lines:
            click.echo(json.dumps(dict(zip(names, line, strict=True))))
        return
    click.echo(_loads(lines, CAME_DAYS), nl=False)


def _loads(lines: Sequence[tuple[str, str, str, float, float | None]], days: int) -> str:
    """
    Format the number of alerts that each desk receives a day: first in total, and then by rule.

    If the lake's server is down, the numbers of alerts that arrived are shown as unknown.
    """
    table = Table("desk", "rule", box=None)
    for name in ("expected a day", f"came, last {days} days"):
        table.add_column(name, justify="right")
    for (role, name), of_desk in groupby(lines, key=lambda line: line[:2]):
        rows = list(of_desk)
        table.add_row(f"{role} {name}", "all", *_a_day(*zip(*(row[3:] for row in rows), strict=True)), style="bold")
        for row in rows:
            table.add_row("", row[2], *_a_day(*((value,) for value in row[3:])))
    console = Console(width=100)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _a_day(*columns: tuple[float | None, ...]) -> list[str]:
    return ["unknown" if None in column else f"{sum(value or 0.0 for value in column):.2f}" for column in columns]


def _explain(alert_id: str, as_json: bool) -> None:
    from streams.alerts.routing.explain import explain
    from streams.alerts.routing.routes import read_routes
    from streams.tell.subscribers.story import read_story

    alert = read_story(Settings.from_env(), alert_id).versions[-1][0]
    explanations, unexplained = explain(read_routes(), alert)
    if as_json:
        lines = [{"route": asdict(one.route), "recipients": one.recipients} for one in explanations]
        printed = {"alert": alert, "routes": lines, "from_earlier_versions": unexplained}
        click.echo(msgspec.json.encode(printed).decode())
        return
    click.echo(f"{alert.rule} {alert.severity}, version {alert.version}, written {alert.raised_at:%Y-%m-%d %H:%M}Z")
    if alert.backfill or alert.test:
        click.echo("for nobody: it was raised from history, or is a test")
    for one in explanations:
        reached = ", ".join(f"{who.role} {who.id}" for who in one.recipients) or "nobody: the family did not fit"
        click.echo(f"  severity {one.route.severity}, hours {one.route.hours}, family {one.route.family} -> {reached}")
    for who in unexplained:
        click.echo(f"  got an earlier version -> {who.role} {who.id}")
