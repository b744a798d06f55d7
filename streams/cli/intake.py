"""`./caf intake`: pass on what partners send, and refuse what they must not say."""

import json
import signal
import threading
from dataclasses import asdict

import click

from streams.cli.lake import lake_settings
from streams.errors import PartSilent
from streams.health.parts import parts
from streams.intake.run import run
from streams.lake.one_row import one_row
from streams.lake.sign_table import entered
from streams.settings import Settings

__all__ = ["command"]


_SILENT_SECONDS = 30
_REPORTED = """
    SELECT min(silent), min(still) FILTER (WHERE NOT is_standby AND silent <= %s)
    FROM (
        SELECT is_standby, extract(epoch FROM clock_timestamp() - beat_at) AS silent,
               extract(epoch FROM clock_timestamp() - turned_at) AS still
        FROM health.runs WHERE part = 'intake' AND ended_at IS NULL
    ) AS runs
"""


@click.command("intake")
@click.option("--once", is_flag=True, help="Pass on what is on the inbound topics now, and end.")
@click.option("--for", "for_seconds", type=float, metavar="SECONDS", help="Stop after this many seconds.")
@click.option("--check", is_flag=True, help="Only tell whether intake is alive; exit code 1 if it is not.")
@click.option("--json", "as_json", is_flag=True, help="Print the totals as JSON at the end.")
def command(*, once: bool, for_seconds: float | None, check: bool, as_json: bool) -> None:
    """
    Pass on each record of a partner from its inbound topic to the right input topic, exactly once.

    A record that speaks for somebody else is passed on as refused: it is kept in the quarantine with the reason
    forged_source. Everything else is passed on unchanged, and the contract decides about it.

    You may stop or kill the command at any time. A second process waits as a standby until the first one has ended.
    """
    if check:
        _check(Settings.from_env())
        return
    stopping = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopping.set())
    passed_on = run(lake_settings(), until=stopping.is_set, for_seconds=for_seconds, once=once)
    figures = asdict(passed_on)
    click.echo(
        json.dumps(figures)
        if as_json
        else f"{passed_on.records:,} records of partners passed on, {passed_on.refused:,} of them refused"
    )


def _check(settings: Settings) -> None:
    """
    Look for a report of an intake that runs or stands by. This needs only PostgreSQL.

    Raises:
        PartSilent: there is no such report, or it is too old, or the intake that runs makes no progress.
    """
    with entered(settings) as cursor:
        cursor.execute(_REPORTED, [_SILENT_SECONDS])
        age, still = one_row(cursor)
    if age is None:
        raise PartSilent("no intake runs; start it with './caf intake'")
    if age > _SILENT_SECONDS:
        raise PartSilent(f"intake has been silent for {age:.0f} s; allowed: {_SILENT_SECONDS} s")
    (allowed,) = (part.hang_seconds for part in parts(settings) if part.name == "intake")
    if still is not None and still > allowed:
        raise PartSilent(f"intake has made no progress for {still:.0f} s; allowed: {allowed:.0f} s")
    click.echo(f"intake is alive; its last report is {age:.1f} s old")
