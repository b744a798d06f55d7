"""`./caf test`: the whole test suite on every core, or the part that is named."""

import os
import re
import sys
from collections.abc import Sequence

import click

from streams.settings import PROJECT

__all__ = ["command", "side_by_side"]

_MOST = 4
"""Processes; each has a broker, a PostgreSQL and now and then an Airflow of its own: 2 to 3 GiB."""

_ALONE = (
    *("--numprocesses", "--dist", "--exitfirst", "--maxfail", "--stepwise", "--sw", "--last-failed", "--lf", "--pdb"),
    *("--trace", "--capture", "--collect-only", "--co", "--fixtures", "--markers", "--setup-plan", "--help"),
    "--version",
)
_ALONE_LETTERS = frozenset("nxskh")
"""Options of somebody who looks at some tests, or says by themselves how they are to run."""

_FLAGS = re.compile(r"-[qvlxsh]*[a-zA-Z]?")
"""Letters that may stand together; what follows the first other one is its value."""


@click.command(
    "test",
    context_settings={"ignore_unknown_options": True},
    add_help_option=False,
    help="Run the tests with pytest: all of them on every core, or those that are named, one after another.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Replace this process by pytest, in the project's folder."""
    os.chdir(PROJECT)
    # A container may have fewer cores than its machine; only Linux tells.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    options = side_by_side(arguments, cores)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *options, *arguments])


def side_by_side(arguments: Sequence[str], cores: int) -> list[str]:
    """What pytest is told so that the whole suite runs in several processes; nothing for a part of it, or one core."""
    processes = min(cores, _MOST)
    if processes == 1 or any(_is_alone(argument) for argument in arguments):
        return []
    # A file's tests share servers, lakes and builds: they stay together, in the order in which they were collected.
    return ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"]


def _is_alone(argument: str) -> bool:
    if argument.startswith("--"):
        return argument.partition("=")[0] in _ALONE
    if argument.startswith("-"):
        return not _ALONE_LETTERS.isdisjoint(_FLAGS.match(argument)[0])
    named = (PROJECT / argument.partition("::")[0]).resolve()
    return named.is_relative_to(PROJECT / "tests") and named.exists()
