"""Ask the person at the terminal. A script cannot answer, so the error message names the option to use instead."""

import sys

import click

__all__ = ["ask_password", "confirm"]


def confirm(question: str, *, yes: bool) -> None:
    """
    Return only if the answer is yes. The yes comes from `--yes`, the terminal or a pipe.

    Raises:
        click.Abort: the answer was no.
        click.UsageError: there was no answer, and stdin is no terminal.
    """
    if yes:
        return
    try:
        agreed = click.confirm(question)
    except click.Abort:
        _require_terminal(f"'{question}' needs an answer: add --yes")
        raise
    if not agreed:
        raise click.Abort


def ask_password(otherwise: str) -> str:
    """
    Ask for a password. The user types the password twice, and it is not shown.

    Args:
        otherwise: a sentence that says what a script must do instead.

    Raises:
        click.Abort: the user gave no password.
        click.UsageError: stdin is no terminal, so nobody can type a password.
    """
    _require_terminal(f"a password can be typed only at a terminal: {otherwise}")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)


def _require_terminal(sentence: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(sentence)
