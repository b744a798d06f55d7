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
from streams.stack import postgres, processes, stack
from streams.times import wait_for

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


@pytest.fixture
def settings(make_home: Callable[[str], Path]) -> Iterator[Settings]:
    """Settings of a home that is down."""
    own = Settings(home=make_home("home"))
    yield own
    stack.down(own)


def begin(settings: Settings, *words: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": str(PROJECT), "CAF_HOME": str(settings.home)}
    command = [sys.executable, "-m", "streams.cli", *words]
    return subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def serves(settings: Settings) -> bool:
    started = processes.find(settings.home, postgres.NAME)
    return started is not None and started.alive


def test_commands_of_a_home_that_is_down_start_one_server_and_the_last_stops_it(settings: Settings) -> None:
    asked = [["sql", "select 1", "--format", "csv"], ["coverage", "list"], ["topics", "list"], ["validations", "holds"]]
    started = [begin(settings, *words) for words in asked]
    printed = [process.communicate(timeout=120)[0] for process in started]

    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert printed[0] == "1\n1\n"
    assert not serves(settings)
    assert not postgres.stop(settings)


def test_a_command_does_not_stop_a_server_that_another_command_uses(settings: Settings) -> None:
    reading = begin(settings, "sql", "--format", "csv")  # waits for its query
    assert wait_for(lambda: serves(settings), 60, every=0.1)
    assert begin(settings, "coverage", "list").wait(120) == 0
    assert serves(settings)

    assert reading.communicate("select 2", timeout=60)[0] == "2\n2\n"
    assert not serves(settings)


def test_a_failed_command_stops_the_server_that_it_started(settings: Settings) -> None:
    assert begin(settings, "sql", "select nothing from nowhere").wait(120) == 1
    assert not serves(settings)


def test_a_killed_command_leaves_the_server_to_the_next_command(settings: Settings) -> None:
    killed = begin(settings, "sql")
    assert wait_for(lambda: serves(settings), 60, every=0.1)
    killed.kill()
    killed.wait()
    assert serves(settings)

    assert begin(settings, "coverage", "list").wait(120) == 0
    assert not serves(settings)


def test_a_server_that_is_to_stay_is_not_stopped(settings: Settings) -> None:
    assert begin(settings, "sql", "--attach").wait(120) == 0
    assert begin(settings, "sql", "select 1").wait(120) == 0
    assert serves(settings)


def test_up_takes_over_a_server_that_a_command_started(settings: Settings) -> None:
    reading = begin(settings, "sql")
    assert wait_for(lambda: serves(settings), 60, every=0.1)
    stack.up(settings, ["postgres"])
    reading.communicate("select 1", timeout=60)

    assert serves(settings)


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
