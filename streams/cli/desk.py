"""`./caf desk`: manage who may log in to the pages, and what they may see."""

import secrets

import click

from streams.cli.asking import ask_password
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.settings import Settings
from streams.stack.stack import mark_home

__all__ = ["command"]


@click.group("desk")
def command() -> None:
    """
    Add, list and remove the accounts that may log in to the pages.

    The role 'desk' sees everything: families, evidence, small counts. The role 'figures' sees live figures down to
    wards, but no small counts and no single alert. A desk with areas sees what 'figures' sees, and each alert of its
    areas. Only a salted hash of each password is kept, in CAF_HOME/desk. What
    accounts see, and each login, is recorded in the audit (./caf audit).
    """


@command.command("add")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["desk", "figures"]), help="'desk', unless the account already has another role."
)
@click.option(
    "--area",
    "areas",
    multiple=True,
    metavar="AREA",
    help="Let a desk see only alerts of this area. Repeat the option for several areas. 'unknown' stands for alerts "
    "whose area is unknown or hidden.",
)
@click.option("--generate", is_flag=True, help="Make a password and print it, instead of asking for one.")
def add(name: str, role: str | None, areas: tuple[str, ...], generate: bool) -> None:
    """Add an account, or give it a new password or role. Sessions with the old password or role end at once."""
    from dashboard.access.accounts import Accounts
    from dashboard.access.areas import checked_desk

    settings = Settings.from_env()
    if areas and role == "figures":
        raise click.UsageError("--area is for desks; an account for figures sees no single alert of any area")
    if areas:
        role = checked_desk(areas, settings.authority)
    password = secrets.token_urlsafe(15) if generate else ask_password("add --generate to create one")
    mark_home(settings.home)
    accounts = Accounts(settings.home)
    record(settings, AuditAction.ACCOUNT_SET, f"{name}, role {accounts.allowed_role(name, password, role)}")
    given = accounts.add(name, password, role)
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

    settings = Settings.from_env()
    accounts = Accounts(settings.home)
    if accounts.role(name) is not None:
        record(settings, AuditAction.ACCOUNT_REMOVED, name)
    accounts.remove(name)
    click.echo(f"{name} may no longer log in")
