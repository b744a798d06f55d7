"""`./caf secrets`: list the secrets of a home, and replace them."""

import json

import click

from streams.cli.asking import confirm
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.settings import Settings
from streams.stack.rotate import Secret, choose, secrets_of

__all__ = ["command"]


@click.group("secrets")
def command() -> None:
    """
    List the passwords and keys that this home has made for itself, and replace them.

    Each secret is in a file that only the owner of the home can read. No command prints a secret. The passwords of
    people who log in to the pages are not listed here: './caf desk add NAME' replaces one.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a secret.")
def list_(*, as_json: bool) -> None:
    """List the secrets: since when each is valid, and what it opens. The secrets themselves are not shown."""
    found = _all(Settings.from_env())
    for one in found:
        since = one.since.isoformat(timespec="seconds")
        if as_json:
            click.echo(json.dumps({"name": one.name, "since": since, "opens": one.opens, "file": str(one.file)}))
        else:
            click.echo(f"{one.name:<18} since {since}  {one.opens}")
    if not found and not as_json:
        click.echo("this home has no secrets yet; the first './caf up' makes them")


@command.command("rotate")
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--dry-run", is_flag=True, help="Only print what would be replaced, and what would restart.")
@click.option("--yes", is_flag=True, help="Do not ask before a server is restarted.")
def rotate(*, names: tuple[str, ...], dry_run: bool, yes: bool) -> None:
    """
    Replace the secrets with these names, or all secrets. No record and no alert is lost.

    The parts of this home read the new secrets by themselves. Programs elsewhere that have a copy need the new file,
    for example subscribers. Who is connected to Kafka stays connected until Kafka restarts. To end all connections,
    also replace 'kafka/broker', which restarts Kafka.

    If the command is interrupted, './caf up' makes everything fit together again.
    """
    settings = Settings.from_env()
    chosen = choose(_all(settings), names)
    restarts = [one.restarts for one in chosen if one.restarts]
    if dry_run:
        for one in chosen:
            click.echo(f"{one.name}" + (f"  (restarts {one.restarts})" if one.restarts else ""))
        return
    if restarts:
        confirm(f"Restart {' and '.join(restarts)}? Alerts are late by up to a minute, and none is lost.", yes=yes)
    for one in chosen:
        record(settings, AuditAction.SECRET_REPLACED, one.name)
        one.renew(lambda sentence: click.echo(sentence, err=True))
        click.echo(f"{one.name} is new")
    if not chosen:
        click.echo("this home has no secrets yet; the first './caf up' makes them")


def _all(settings: Settings) -> list[Secret]:
    from dashboard.access.accounts import Accounts

    accounts = Accounts(settings.home)
    sessions = Secret(
        name="pages/session-key",
        file=accounts.secret_file,
        opens="make sessions that the pages believe",
        renew=lambda _: accounts.new_secret(),
    )
    return [*secrets_of(settings), *([sessions] if sessions.file.exists() else [])]
