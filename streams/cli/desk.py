"""`./caf desk`: manage who may log in to the pages, and what they may see."""

import secrets

import click

from streams.cli.asking import ask_password
from streams.settings import Settings
from streams.stack.stack import mark_home

__all__ = ["command"]


@click.group("desk")
def command() -> None:
    """
    Add, list and remove the accounts that may log in to the pages.

    The role 'desk' sees everything: families, evidence, small counts. The role 'figures' sees live figures down to
    wards, but no small counts and no single alert. Only a salted hash of each password is kept, in CAF_HOME/desk. The
    file opened.jsonl in that folder records who logged in and what the desk opened.
    """


@command.command("add")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["desk", "figures"]), help="'desk', unless the account already has another role."
)
@click.option("--generate", is_flag=True, help="Make a password and print it, instead of asking for one.")
def add(name: str, role: str | None, generate: bool) -> None:
    """Add an account, or give it a new password or role. Sessions with the old password or role end at once."""
    from dashboard.access.accounts import Accounts

    password = secrets.token_urlsafe(15) if generate else ask_password("add --generate to create one")
    settings = Settings.from_env()
    mark_home(settings.home)
    given = Accounts(settings.home).add(name, password, role)
    click.echo(password if generate else f"{name} may log in, role {given}")


@command.command("list")
def list_() -> None:
    """List the accounts by name and role."""
    from dashboard.access.accounts import Accounts

    accounts = Accounts(Settings.from_env().home)
    for name in accounts.names():
        click.echo(f"{name}  {accounts.role(name)}")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove an account. Its sessions end at once."""
    from dashboard.access.accounts import Accounts

    Accounts(Settings.from_env().home).remove(name)
    click.echo(f"{name} may no longer log in")
