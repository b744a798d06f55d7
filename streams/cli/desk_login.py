"""Log in to the desk on the command line, as on the pages."""

from pathlib import Path

import click

from streams.audit.entries import Actor
from streams.cli.asking import ask
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction, AuditActor, AuditOutcome
from streams.settings import Settings

__all__ = ["log_in_to_desk"]


def log_in_to_desk(settings: Settings, name: str | None, password_file: Path | None) -> Actor:
    """
    Ask for an account of the desk and its password, and return who it is. The audit records the login.

    Args:
        name: the account; if None, the user is asked.
        password_file: the file with the password; if None, the user is asked.

    Raises:
        AuditUnavailable: the login cannot be recorded.
        click.ClickException: the name or the password is wrong, or the account is not for the desk.
        click.UsageError: somebody would have to be asked, and stdin is not a terminal.
    """
    from dashboard.access.accounts import Accounts
    from dashboard.access.audience import DESK

    accounts = Accounts(settings.home)
    if not any(accounts.role(one) == DESK for one in accounts.names()):
        raise click.ClickException("no account of the desk exists; add one with './caf desk add NAME'")
    otherwise = "use --as NAME and --password-file FILE"
    name = name or ask("Account of the desk", otherwise)
    password = password_file.read_text().rstrip("\n") if password_file else ask("Password", otherwise, is_hidden=True)
    known = accounts.role(name)
    actor = Actor(AuditActor.ACCOUNT, name if known else None, known)
    if accounts.check(name, password) is None or known != DESK:
        record(settings, AuditAction.LOGIN_FAILED, "sql", actor=actor, outcome=AuditOutcome.REFUSED)
        raise click.ClickException("the name or the password is wrong, or the account does not see the whole desk")
    record(settings, AuditAction.LOGGED_IN, "sql", actor=actor)
    return actor
