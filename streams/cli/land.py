"""`./caf land`: write the records of all topics into the lake."""

import json
import signal
import threading
from dataclasses import asdict

import click

from expectations import validate
from streams.cli.lake import lake_settings
from streams.land import run

__all__ = ["command"]


@click.command("land")
@click.option("--once", is_flag=True, help="Land what is on the topics now, and end.")
@click.option("--for", "for_seconds", type=float, help="Land for this many seconds.")
@click.option("--check/--no-check", default=True, help="Validate the stored rows with Great Expectations.")
@click.option("--json", "as_json", is_flag=True, help="Print the totals as JSON at the end.")
def command(*, once: bool, for_seconds: float | None, check: bool, as_json: bool) -> None:
    """
    Write every record of every topic into the lake, exactly once: accepted events, rejected records, alerts.

    The command starts after the last row that is stored, so you may stop or kill it at any time. SIGTERM and Ctrl-C end
    it cleanly. A second process waits as a standby until the first one has ended.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    landed = run(
        lake_settings(),
        validator=validate if check else None,
        until=stopping.is_set,
        for_seconds=for_seconds,
        once=once,
    )
    totals = {**asdict(landed), "rows": landed.rows}
    if as_json:
        click.echo(json.dumps(totals))
    else:
        click.echo(
            f"{landed.rows:,} records landed in {landed.batches:,} commits, {landed.rejected:,} of them rejected"
        )
