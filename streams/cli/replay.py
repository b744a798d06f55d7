"""`./caf replay`: send rejected records again."""

import json
import sys
from dataclasses import asdict

import click

from streams.cli.asking import confirm
from streams.cli.lake import lake_settings
from streams.cli.quarantine import filters
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.land.replay import replay, select

__all__ = ["command"]


@click.command("replay")
@filters
@click.option("--dry-run", is_flag=True, help="Only print how many would be sent.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON; needs --yes or --dry-run.")
def command(*, dry_run: bool, yes: bool, as_json: bool, **given: object) -> None:
    """
    Send rejected records again after a fix, byte for byte, to the same topic and with the same key.

    Without options, the command sends all rejected records of the input topics, with five exceptions. A record is left
    out if a copy of it has been accepted or has not landed yet. A rejected copy is left out, because its original is
    sent instead. A batch is left out, because each of its events has already been sent separately. A record that Kafka
    deleted before it was read is left out, because its content is lost. A record that speaks for somebody else than its
    sender is left out, unless you ask for it with --reason forged_source.

    If the broker refuses a record, the command names it and sends the others. Exit code 0: all were sent.
    """
    if as_json and not (yes or dry_run):
        raise click.UsageError("with --json there is no question; add --yes or --dry-run")
    settings = lake_settings()
    count = len(select(settings, **given))
    if not count and not as_json:
        click.echo("no matching rejected record remains to be sent again; './caf quarantine show' lists them all")
        return
    if dry_run:
        click.echo(json.dumps({"would_send": count}) if as_json else f"{count:,} records would be sent again")
        return
    confirm(f"Send {count:,} rejected records again?", yes=yes)
    record(settings, AuditAction.RECORDS_REPLAYED, f"{count} records")
    replayed = replay(settings, **given)
    if as_json:
        click.echo(json.dumps(asdict(replayed)))
    else:
        for one in replayed.refused:
            click.echo(f"{one.record} cannot be sent: {one.why}")
        refused = f", {len(replayed.refused):,} cannot be sent" if replayed.refused else ""
        skipped = f", {replayed.skipped:,} not sent again" if replayed.skipped else ""
        click.echo(f"{replayed.sent:,} records sent again{skipped}{refused}")
    sys.exit(1 if replayed.refused else 0)
