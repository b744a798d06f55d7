"""`./caf notify`: send alerts to a webhook or by e-mail, list those that were not accepted, and send them again."""

import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from streams.cli.alerts.choose import filters
from streams.contracts.outputs import Alert
from streams.errors import SettingInvalid
from streams.settings import Settings

__all__ = ["command"]


@click.group("notify")
def command() -> None:
    """
    Send alerts to a receiver, at least once and in order. Alerts that it does not accept are kept, to be sent again.

    A new --group begins with the next alert. A known --group continues where it stopped. Every version of an alert is
    sent, so that the receiver can remove the alert when it ends. Alerts from history are never sent.

    To see alerts in a terminal, use 'alerts --follow --bell'.
    """


def _delivery(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that are the same for every kind of receiver."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print figures as JSON at the end."),
        click.option("--replay", "again", is_flag=True, help="Send the group's dead letters again, and end."),
        click.option(
            "--attempts", type=click.IntRange(1), default=6, show_default=True, help="How often to try each alert."
        ),
        click.option("--test", is_flag=True, help="Also send test alerts ('alerts test')."),
        click.option("--standing", is_flag=True, help="Send only versions that are open, and none that end an alert."),
        filters,
        click.option("--group", required=True, help="Name of this consumer. Its position is saved under this name."),
    ):
        verb = option(verb)
    return verb


@command.command("webhook")
@click.option("--url", required=True, help="URL for the POST requests: https, or http to this machine.")
@click.option("--secret-file", required=True, type=click.Path(path_type=Path), help="File with the base64 secret.")
@_delivery
def webhook(url: str, secret_file: Path, **options: Any) -> None:
    """
    Send alerts as signed HTTP requests (standardwebhooks.com). The body is the same JSON as on the alerts topic.

    If the receiver does not answer, or answers 5xx, 408, 425 or 429, the alert is sent again. Any other answer ends the
    attempts. Only 2xx means that the alert was accepted.
    """
    from streams.tell.subscribers.webhook import Webhook, read_secret

    _run(Webhook(url, read_secret(secret_file)), **options)


@command.command("email")
@click.option("--smtp", required=True, metavar="HOST:PORT", help="The mail server.")
@click.option("--to", required=True, multiple=True, help="Address of a recipient; give it once for each.")
@click.option("--from", "sender", required=True, help="Address of the sender.")
@click.option("--tls", type=click.Choice(["starttls", "implicit", "none"]), default="starttls", show_default=True)
@click.option("--user", default="", help="User name at the mail server.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the user's password.")
@_delivery
def email(
    *,
    smtp: str,
    to: tuple[str, ...],
    sender: str,
    tls: Literal["starttls", "implicit", "none"],
    user: str,
    password_file: Path | None,
    **options: Any,
) -> None:
    """Send alerts by e-mail. An e-mail has only the alert's severity, status, id and link."""
    from streams.tell.subscribers.email import Email

    host, _, port = smtp.rpartition(":")
    if not host or not port.isdigit():
        raise SettingInvalid(f"--smtp is {smtp!r}; allowed: HOST:PORT")
    password = "" if password_file is None else _password(password_file)
    _run(Email(host=host, port=int(port), sender=sender, to=to, tls=tls, user=user, password=password), **options)


@command.command("failed")
@click.option("--group", required=True, help="Name of the consumer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def failed(group: str, as_json: bool) -> None:
    """List the alerts that the group's receiver did not accept, and why."""
    from streams.tell.subscribers.dead_letters import DeadLetters

    letters = DeadLetters(Settings.from_env(), group)
    for letter in letters.waiting(take=False):
        alert = letter.alert
        click.echo(
            msgspec.json.encode(letter).decode()
            if as_json
            else f"{letter.failed_at:%Y-%m-%d %H:%M:%S}Z {alert.severity:<5} {alert.rule} {alert.alert_id} "
            f"version {alert.version}: {letter.reason}"
        )
    letters.close()


def _run(
    send: Callable[[Alert], None], *, group: str, attempts: int, again: bool, as_json: bool, **chosen: Any
) -> None:
    from streams.tell.subscribers.notify import notify, replay

    settings = Settings.from_env()
    if again:
        notified = replay(settings, send, group=group, attempts=attempts)
    else:
        stopping = threading.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: stopping.set())
        notified = notify(settings, send, group=group, attempts=attempts, until=stopping.is_set, **chosen)
    words = f"sent {notified.sent} alerts; {notified.not_taken} were not accepted and are dead letters"
    click.echo(json.dumps(asdict(notified)) if as_json else words)
    sys.exit(1 if again and notified.not_taken else 0)


def _password(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SettingInvalid(f"the password in {path} cannot be read ({type(error).__name__})") from None
