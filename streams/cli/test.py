"""`./caf test`: run the whole test suite on every core, or only the given tests."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence

import click

from streams.settings import PROJECT

__all__ = ["command", "side_by_side"]

_MOST = 4
"""
The highest number of processes that run tests.

Each process has its own broker and PostgreSQL, and sometimes its own Airflow. One process with its servers needs 2 to
3 GiB.
"""

_ALONE = (
    *("--numprocesses", "--dist", "--exitfirst", "--maxfail", "--stepwise", "--sw", "--last-failed", "--lf", "--pdb"),
    *("--trace", "--capture", "--collect-only", "--co", "--fixtures", "--markers", "--setup-plan", "--help"),
    "--version",
)
_ALONE_LETTERS = frozenset("nxskh")
"""
Letters of one-letter pytest options. If one of these options is given, a single process runs all tests.

With these options, the user looks at single tests or chooses how the tests run.
"""

_FLAGS = re.compile(r"-[qvlxsh]*[a-zA-Z]?")
"""
One-letter pytest options that can be written together, for example `-qx`.

If a letter is not in the brackets, the text after it is its value.
"""


@click.command(
    "test",
    context_settings={"ignore_unknown_options": True},
    add_help_option=False,
    help="Run the tests with pytest: all of them on every core, or only those that you name, one after another. "
    "With --coverage, also report which branches of the code no test takes.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Run pytest in the project's folder, and end with its exit code."""
    os.chdir(PROJECT)
    chosen = [argument for argument in arguments if argument != "--coverage"]
    # A container may have fewer cores than its machine. Python can find out the number of cores only on Linux.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pytest = ["-m", "pytest", *side_by_side(chosen, cores), *chosen]
    if len(chosen) == len(arguments):
        os.execv(sys.executable, [sys.executable, *pytest])
    sys.exit(_measured(pytest))


def _measured(pytest: Sequence[str]) -> int:
    """
    Run pytest, report the branch coverage of all processes that it starts, and return pytest's exit code.

    A process that a test kills stores no coverage. So the report also names some branches that are in fact tested.
    """
    _coverage("erase")
    exit_code = _coverage("run", *pytest)
    _coverage("combine", "--quiet")
    _coverage("report", "--skip-covered", "--show-missing")
    return exit_code


def _coverage(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], check=False).returncode


def side_by_side(arguments: Sequence[str], cores: int) -> list[str]:
    """
    Return the pytest options for running tests in several processes.

    The list is empty if there is only one core, or if the arguments name single tests.
    """
    processes = min(cores, _MOST)
    if processes == 1 or any(_is_alone(argument) for argument in arguments):
        return []
    # The tests of a file share servers, lakes and builds. So one process runs all tests of a file, in collection order.
    return ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"]


def _is_alone(argument: str) -> bool:
    if argument.startswith("--"):
        return argument.partition("=")[0] in _ALONE
    if argument.startswith("-"):
        flags = _FLAGS.match(argument)
        return flags is not None and not _ALONE_LETTERS.isdisjoint(flags[0])
    named = (PROJECT / argument.partition("::")[0]).resolve()
    return named.is_relative_to(PROJECT / "tests") and named.exists()
