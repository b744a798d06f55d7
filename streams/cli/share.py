"""`./caf share`: inform partners about alerts, as far as the sharing policy permits."""

import json
import signal
import threading
from dataclasses import asdict
from pathlib import Path

import click

from streams.cli.lake import lake_settings

__all__ = ["command"]


@click.command("share")
@click.option("--for", "for_seconds", type=float, metavar="SECONDS", help="Stop after this many seconds.")
@click.option("--once", is_flag=True, help="Stop at the newest alert that is on the topic now.")
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with another policy in place of the project's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def command(for_seconds: float | None, once: bool, policy: Path | None, as_json: bool) -> None:
    """
    Send each kind of partner the notices that the sharing policy permits, until SIGTERM or Ctrl-C.

    Each kind of partner has its own topic. Each decision is published before a partner is notified. On its first start,
    the command begins with the next alert. On later starts, it continues where it stopped.
    """
    from streams.tell.partners.policy import POLICY_FILE, read_policy
    from streams.tell.partners.share import share

    stopping = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopping.set())
    shared = share(
        lake_settings(),
        read_policy(policy or POLICY_FILE),
        until=stopping.is_set,
        for_seconds=for_seconds,
        once=once,
    )
    figures = asdict(shared)
    click.echo(
        json.dumps(figures)
        if as_json
        else f"{shared.alerts} alert versions read: {shared.decisions} decisions, {shared.notices} notices"
    )
