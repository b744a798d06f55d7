"""`./caf validations`: list the failed expectations that hold the marts, and let an engineer release a hold."""

import json
import sys
from dataclasses import asdict

import click

from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction

__all__ = ["command"]


@click.group("validations")
def command() -> None:
    """List the holds on the marts, or release one."""


@command.command("holds")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a hold.")
def show(as_json: bool) -> None:
    """List the holds in force. The exit code is 1 if there is any."""
    from expectations import holds
    from streams.lake.connect import connect

    with connect(lake_settings(), marts=None) as lake:
        standing = holds(lake)
    for hold in standing:
        click.echo(json.dumps(asdict(hold), default=str) if as_json else str(hold))
    if not standing and not as_json:
        click.echo("no holds: the marts may be rebuilt")
    sys.exit(1 if standing else 0)


@command.command()
@click.argument("name", metavar="SUITE.EXPECTATION")
@click.option("--why", required=True, help="What you found out; stored beside the results. No personal data.")
def release(name: str, why: str) -> None:
    """Release a hold. The marts are held again if the expectation fails again."""
    from expectations import release as lift
    from streams.lake.connect import connect

    suite, _, expectation = name.partition(".")
    settings = lake_settings()
    record(settings, AuditAction.HOLD_RELEASED, name)
    with connect(settings, landing="read_write", marts=None) as lake:
        lift(lake, suite, expectation, why)
    click.echo(f"released {name}: the marts may be rebuilt")
