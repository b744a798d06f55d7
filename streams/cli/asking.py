"""Ask the person at the terminal. A script cannot answer, so it gets an error that says which option to use."""

import sys

import click

__all__ = ["ask", "ask_password", "confirm"]


def confirm(question: str, *, yes: bool) -> None:
    """
    Ask a question, and return only if the answer is yes. The answer comes from `--yes`, the terminal or a pipe.

    Raises:
        click.Abort: the answer was no.
        click.UsageError: there was no answer, because stdin is not a terminal.
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
    Ask for a password. The user types it twice, and the terminal does not show it.

    Args:
        otherwise: a sentence that says what a script must do instead.

    Raises:
        click.Abort: the user gave no password.
        click.UsageError: stdin is not a terminal, so nobody can type a password.
    """
    _require_terminal(f"a password can be typed only at a terminal: {otherwise}")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)


def ask(question: str, otherwise: str, *, is_hidden: bool = False) -> str:
    """
    Ask for a text once. Options and errors are as for `ask_password`.

    Args:
        is_hidden: whether the terminal does not show what is typed.
    """
    _require_terminal(f"'{question}' can be answered only at a terminal: {otherwise}")
    return click.prompt(question, hide_input=is_hidden)


def _require_terminal(sentence: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(sentence)
