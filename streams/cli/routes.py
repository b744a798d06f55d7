"""`./caf routes`: who gets which alert, why one went where it went, and what would reach nobody."""

import json
import sys
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime

import click
import msgspec

from streams.contracts.outputs import Alert
from streams.errors import AlertUnknown
from streams.settings import Settings

__all__ = ["command"]


@click.command("routes")
@click.option("--alert", "alert_id", metavar="ID", help="Explain why this alert went where it went.")
@click.option("--check", is_flag=True, help="Name what reaches nobody; exit code 1 if there is any.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(alert_id: str | None, check: bool, as_json: bool) -> None:
    """List the routes in force for the authority: each row that fits an alert adds its recipient."""
    if alert_id is not None:
        _explain(alert_id, as_json)
    elif check:
        _check(as_json)
    else:
        _list(as_json)


def _list(as_json: bool) -> None:
    from streams.route.routes import in_force, read_routes

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
    from streams.route.gaps import gaps
    from streams.route.routes import read_routes
    from streams.rules.register import rule_names

    found = gaps(read_routes(), rule_names(), datetime.now(UTC).date())
    for gap in found if as_json else ():
        click.echo(json.dumps(gap._asdict()))
    for rule, count in () if as_json else Counter(gap.rule for gap in found).items():
        click.echo(f"{rule}: {count} combinations of severity, hours, place and family reach nobody")
    if not found and not as_json:
        click.echo("every rule reaches somebody, at any severity and hour, wherever the family lives")
    sys.exit(1 if found else 0)


def _explain(alert_id: str, as_json: bool) -> None:
    from streams.route.explain import explain
    from streams.route.routes import read_routes

    alert = _latest(alert_id)
    explanations, unexplained = explain(read_routes(), alert)
    if as_json:
        lines = [{"route": asdict(one.route), "recipients": one.recipients} for one in explanations]
        printed = {"alert": alert, "routes": lines, "from_earlier_versions": unexplained}
        click.echo(msgspec.json.encode(printed).decode())
        return
    click.echo(f"{alert.rule} {alert.severity}, version {alert.version}, written {alert.raised_at:%Y-%m-%d %H:%M}Z")
    if alert.backfill or alert.test:
        click.echo("for nobody: it is history, or a test")
    for one in explanations:
        reached = ", ".join(f"{who.role} {who.id}" for who in one.recipients) or "nobody: the family did not fit"
        click.echo(f"  severity {one.route.severity}, hours {one.route.hours}, family {one.route.family} -> {reached}")
    for who in unexplained:
        click.echo(f"  told of an earlier version -> {who.role} {who.id}")


def _latest(alert_id: str) -> Alert:
    from streams.watch.follow import follow

    versions = [alert for alert, _ in follow(Settings.from_env(), stop_at_end=True) if alert.alert_id == alert_id]
    if not versions:
        raise AlertUnknown(f"no alert on its topic has the id {alert_id!r}; './caf alerts --all' lists them")
    return max(versions, key=lambda alert: alert.version)
