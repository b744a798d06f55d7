"""`./caf alerts ack`, `close` and `undo`: record what somebody does about an alert."""

import getpass
import json
import os
from collections.abc import Callable
from contextlib import closing
from typing import Any

import click

from streams.audit.entries import about_alerts
from streams.cli.alerts.listing import printer
from streams.cli.recorded import record
from streams.contracts.codesets import AlertClosure, AuditAction
from streams.contracts.outputs import Alert
from streams.settings import Settings

__all__ = ["ack", "close", "undo"]


def _common(verb: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the new version as JSON."),
        click.option(
            "--wait",
            default=10.0,
            show_default=True,
            help="Seconds to wait for the new version of the alert; 0: do not wait.",
        ),
        click.argument("alert_id"),
    ):
        verb = option(verb)
    return verb


def _by_whom(verb: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--worker",
        default=lambda: os.environ.get("CAF_WORKER") or getpass.getuser(),
        help="Your own worker id.",
        show_default="CAF_WORKER, or else your login",
    )(verb)


@click.command("ack")
@_common
@_by_whom
@click.option("--because", "note", help="A note for the desk, which no alert shows. Do not write names.")
def ack(alert_id: str, worker: str, note: str | None, wait: float, as_json: bool) -> None:
    """
    Acknowledge an alert: you will deal with it, and nobody else needs to.

    The acknowledgement applies until the alert becomes more severe or has new evidence.
    """
    from streams.alerts.actions import acknowledge

    _do(
        alert_id,
        wait,
        as_json,
        lambda settings, alert: acknowledge(settings, alert, worker, note),
        AuditAction.ALERT_ACKNOWLEDGED,
    )


@click.command("close")
@_common
@_by_whom
@click.option(
    "--because",
    "closure",
    required=True,
    type=click.Choice([one.value for one in AlertClosure]),
    help="How useful the alert was. 'not_useful' and 'wrong_family' help to improve the rule.",
)
@click.option("--note", help="A note for the desk, which no alert shows. Do not write names.")
def close(alert_id: str, *, worker: str, closure: str, note: str | None, wait: float, as_json: bool) -> None:
    """
    Close an alert: it has been dealt with.

    The alert opens again if it becomes more severe or has new evidence.
    """
    from streams.alerts.actions import close as send

    _do(
        alert_id,
        wait,
        as_json,
        lambda settings, alert: send(settings, alert, worker, AlertClosure(closure), note),
        AuditAction.ALERT_CLOSED,
    )


@click.command("undo")
@_common
def undo(alert_id: str, wait: float, as_json: bool) -> None:
    """Take back the last acknowledgement or closing of an alert."""
    from streams.alerts.actions import take_back

    _do(alert_id, wait, as_json, take_back, AuditAction.ALERT_ACTION_UNDONE)


def _do(
    alert_id: str, wait: float, as_json: bool, act: Callable[[Settings, Alert], object], action: AuditAction
) -> None:
    from streams.alerts.answer import Answer
    from streams.tell.subscribers.story import read_story

    settings = Settings.from_env()
    alert = read_story(settings, alert_id).versions[-1][0]
    with closing(Answer(settings, alert_id)) as answer:
        record(settings, action, ids=about_alerts([alert]))
        act(settings, alert)
        found = answer.wait(wait)
    if found is not None:
        printer(as_json)(found)
    elif as_json:
        click.echo(json.dumps({"alert_id": alert_id, "sent": True, "version": None}))
    else:
        click.echo(
            f"sent, but no new version of the alert came within {wait:g} s ('./caf status' shows whether watch runs)"
        )
