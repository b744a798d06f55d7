"""`./caf test`: the whole test suite, or the part that is named."""

import os
import sys

import click

from streams.settings import PROJECT

__all__ = ["command"]


@click.command(
    "test", context_settings={"ignore_unknown_options": True}, add_help_option=False, help="Run the tests with pytest."
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Replace this process by pytest, in the project's folder."""
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])
