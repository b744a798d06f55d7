"""`./caf check-event`: check whether the contract accepts events that a form would send."""

import json
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

import click

from streams.contracts.check import Verdict, check, events_of
from streams.settings import Settings

__all__ = ["command"]


@click.command("check-event")
@click.argument("files", nargs=-1, required=True, type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an event.")
def command(files: tuple[BinaryIO, ...], as_json: bool) -> None:
    """
    Check whether a form may send the events in FILE… (- for standard input).

    A file has one event, an array of events, or one event on each line. The check is stricter than the check of events
    on a topic: the consent question must be answered, and fields that the contract does not know are named. The exit
    code is 0 only if every event may be sent.
    """
    settings, accepted = Settings.from_env(), []
    for file in files:
        for number, event in enumerate(events_of(file.read()), start=1):
            verdict = check(event, settings.max_record_bytes)
            accepted.append(verdict.is_accepted)
            click.echo(
                json.dumps(_figures(file.name, number, verdict)) if as_json else _text(file.name, number, verdict)
            )
    if not accepted:
        raise click.UsageError("no event found")
    sys.exit(0 if all(accepted) else 1)


def _figures(name: str, number: int, verdict: Verdict) -> dict[str, Any]:
    return {"file": name, "event": number, "accepted": verdict.is_accepted, **asdict(verdict)}


def _text(name: str, number: int, verdict: Verdict) -> str:
    where = f"{name}:{number}"
    if verdict.is_accepted:
        lines = [f"{where}  ok: {verdict.type} goes to {verdict.topic} with key {verdict.key}"]
    else:
        lines = [f"{where}  refused: {verdict.type or 'no event type'}"]
    for finding in verdict.findings:
        lines.append(f"  {finding.level} {finding.reason} at {finding.path}; allowed: {finding.allowed}")
    return "\n".join(lines)
