"""`./caf verify`: check that every record is accounted for."""

import json
import time
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from expectations import holds
from streams.cli.lake import lake_settings
from streams.land.verify import Verified, verify_offsets
from streams.marts import build
from streams.marts.reconcile import Reconciliation, reconcile

__all__ = ["command"]

_TELL_SECONDS = 5.0


@click.command("verify")
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Stop waiting for records to land after this many seconds without a new row.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures and every difference as JSON.")
def command(*, wait: float, as_json: bool) -> None:
    """
    Check that every offset has exactly one row in the lake, and that streamed and rebuilt alerts agree.

    The command prints a table of all differences. The exit code is 0 only if there are none. Alerts are compared at the
    snapshot of the last build. If there has been no build yet, the command builds the marts first.
    """
    settings = lake_settings()
    verified = verify_offsets(settings, wait=wait, on_wait=_Waiting().tell)
    parity = reconcile(settings)
    if parity.as_of is None and verified.rows:
        click.echo("There has been no build yet: building the marts …", err=True)
        build(settings, holds=holds)
        parity = reconcile(settings)
    if as_json:
        click.echo(json.dumps({"offsets": asdict(verified), "alerts": asdict(parity)}, default=str))
    else:
        _show(verified, parity)
    verified.raise_if_different()
    parity.raise_if_different()


class _Waiting:
    """Prints the number of records that have not landed yet, at most once every few seconds."""

    def __init__(self) -> None:
        self._told_at = 0.0

    def tell(self, records: int) -> None:
        """Print how many records have not landed yet."""
        if time.monotonic() - self._told_at >= _TELL_SECONDS:
            self._told_at = time.monotonic()
            click.echo(f"{records:,} records have not landed yet; waiting …", err=True)


def _show(verified: Verified, parity: Reconciliation) -> None:
    click.echo(f"{verified.rows:,} rows of {verified.partitions} partitions, {len(verified.differences)} differences")
    if verified.lost:
        click.echo(f"{verified.lost:,} offsets were deleted by Kafka before they were read; see './caf quarantine'")
    if verified.differences:
        _table(
            ["topic", "partition", "from", "up to", "what"],
            [[gap.topic, gap.partition, gap.first, gap.end - 1, gap.what] for gap in verified.differences],
        )
    if parity.as_of is None:
        click.echo("alerts: nothing to compare, because no watcher has evaluated these records; start './caf watch'")
        return
    click.echo(f"{parity.alerts:,} alerts rebuilt as of {parity.as_of}, {len(parity.differences)} differences")
    if parity.differences:
        _table(["alert", "rule", "kind", "what"], [list(asdict(one).values()) for one in parity.differences])


def _table(columns: list[str], rows: list[list[object]]) -> None:
    table = Table(*columns)
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)
