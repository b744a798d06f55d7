"""`./caf feedback`: write letters that tell referrers about the decisions on their referrals."""

import json
import signal
import threading
from dataclasses import asdict

import click

from streams.cli.lake import lake_settings

__all__ = ["command"]


@click.command("feedback")
@click.option("--for", "for_seconds", type=float, metavar="SECONDS", help="Stop after this many seconds.")
@click.option("--once", is_flag=True, help="Stop at the newest referral event that is on the topic now.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def command(for_seconds: float | None, once: bool, as_json: bool) -> None:
    """
    Write a letter to the referrer as soon as a decision has landed, until SIGTERM or Ctrl-C.

    The letters go to a topic of their own, from which another system sends them to referrers. If a decision is
    corrected, a corrected letter follows. On its first start, the command begins with the next decision.
    """
    from streams.tell.referrers.post import post

    stopping = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopping.set())
    posted = post(lake_settings(), until=stopping.is_set, for_seconds=for_seconds, once=once)
    figures = asdict(posted)
    click.echo(json.dumps(figures) if as_json else f"{posted.letters} letters after {posted.records} records")
