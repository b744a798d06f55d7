"""Questions to the person at the terminal; a script, which cannot answer, is told which option answers for it."""

import sys

import click

__all__ = ["ask_password", "confirm"]


def confirm(question: str, *, yes: bool) -> None:
    """
    Go on only with a yes: from `--yes`, the terminal, or what is piped in.

    Raises:
        click.Abort: the answer was no.
        click.UsageError: nobody is there to answer.
    """
    if yes:
        return
    try:
        agreed = click.confirm(question)
    except click.Abort:
        _require_terminal(f"'{question}' has no answer: add --yes")
        raise
    if not agreed:
        raise click.Abort


def ask_password(otherwise: str) -> str:
    """
    A password, typed twice and not shown.

    Args:
        otherwise: what a script does instead.

    Raises:
        click.Abort: it was not given.
        click.UsageError: nobody is there to type one.
    """
    _require_terminal(f"a password is typed at a terminal: {otherwise}")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)


def _require_terminal(sentence: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(sentence)
