"""Compare a generated page of the documentation with the text that its command would write."""

import sys
from pathlib import Path

import click

from streams.settings import PROJECT

__all__ = ["compare"]


def compare(file: Path, text: str, command: str) -> None:
    """End the process with exit code 1 if the file does not have this text, and name the command that writes it."""
    if file.read_text() != text:
        click.echo(f"{file.relative_to(PROJECT)} is out of date; run '{command}'", err=True)
        sys.exit(1)
