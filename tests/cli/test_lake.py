"""Which commands start the PostgreSQL server of a home, and which only look."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from streams.cli.main import caf
from streams.settings import PROJECT, Settings
from streams.stack import postgres, processes

CIN = next((PROJECT / "tests" / "importers" / "data").glob("*.xml"))
CLOSED = {"test"}
"""A verb that hands its options, also `--help`, to another program."""

WRONG = {
    "build without a file": ["build", "--as-of", "2026-10-31"],
    "rejected records since no time": ["quarantine", "list", "--since", "soon"],
    "replay that could not ask": ["replay", "--json"],
    "publication without a reason": ["publish", "--begin", "2026-07-01"],
    "threshold without a value": ["backtest", "re_referral", "--change", "re_referral_months"],
    "coverage of nothing": ["coverage", "add", "--from", "2026-01-01", "--whole", "--why", "x", "--kinds", "none"],
}
LOOKING = {
    "status": ["status"],
    "load": ["routes", "--load"],
    "file": ["import", "cin-xml", str(CIN), "--check"],
}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int]:
    """Runs a command in a home that is down, and returns its exit code."""

    def run(*words: str) -> int:
        return CliRunner().invoke(caf, words, env={"CAF_HOME": str(tmp_path / "home")}).exit_code

    return run


def verbs(context: click.Context, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield the words that call each verb and sub-verb."""
    if isinstance(context.command, click.Group):
        for name in set(context.command.list_commands(context)) - CLOSED:
            found = context.command.get_command(context, name)
            yield (*path, name)
            yield from verbs(click.Context(found, context, info_name=name), *path, name)


def test_commands_of_a_home_that_is_down_start_its_server_once(make_home: Callable[[str], Path]) -> None:
    settings = Settings(home=make_home("home"))
    environ = {**os.environ, "PYTHONPATH": str(PROJECT), "CAF_HOME": str(settings.home)}
    asked = [["sql", "select 1", "--format", "csv"], ["coverage", "list"], ["topics", "list"], ["validations", "holds"]]
    try:
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "streams.cli", *words], env=environ, stdout=subprocess.PIPE, text=True
            )
            for words in asked
        ]
        printed = [process.communicate(timeout=120)[0] for process in started]

        assert [process.returncode for process in started] == [0, 0, 0, 0]
        assert printed[0] == "1\n1\n"
        assert processes.find(settings.home, postgres.NAME).alive
    finally:
        assert postgres.stop(settings)


def test_help_starts_no_server(run: Callable[..., int], tmp_path: Path) -> None:
    for words in verbs(click.Context(caf)):
        assert run(*words, "--help") == 0
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_wrong_option_starts_no_server(words: list[str], run: Callable[..., int], tmp_path: Path) -> None:
    assert run(*words) != 0
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("words", LOOKING.values(), ids=LOOKING)
def test_command_that_only_looks_starts_no_server(words: list[str], run: Callable[..., int], tmp_path: Path) -> None:
    run(*words)
    assert not (tmp_path / "home" / "run").exists()
