"""`./caf desk`: who may open the pages as the desk."""

import secrets

import click

from streams.settings import Settings
from streams.stack.stack import mark_home

__all__ = ["command"]


@click.group("desk")
def command() -> None:
    """Add, list and remove who may open the pages as the desk, which shows families, evidence and small counts.

    Only a salted hash of the password is kept, in CAF_HOME/desk; what a desk opens is written to opened.jsonl there.
    """


@command.command("add")
@click.argument("name")
@click.option("--generate", is_flag=True, help="Make a password and print it, instead of asking for one.")
def add(name: str, generate: bool) -> None:
    """Add an account, or give one a new password; sessions with the old one end at once."""
    from dashboard.accounts import Accounts

    password = (
        secrets.token_urlsafe(15) if generate else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    settings = Settings.from_env()
    mark_home(settings.home)
    Accounts(settings.home).add(name, password)
    click.echo(password if generate else f"{name} may log in")


@command.command("list")
def list_() -> None:
    """List the accounts' names."""
    from dashboard.accounts import Accounts

    for name in Accounts(Settings.from_env().home).names():
        click.echo(name)


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove an account; its sessions end at once."""
    from dashboard.accounts import Accounts

    Accounts(Settings.from_env().home).remove(name)
    click.echo(f"{name} may no longer log in")
