"""A script cannot answer a question, so the command names the option that answers it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.settings import PROJECT


def asked(*words: str, home: Path, piped: str = "") -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "CAF_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "streams.cli", *words]
    return subprocess.run(command, input=piped, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which no part runs."""
    (tmp_path / "caf-home").touch()
    return tmp_path


def test_purge_without_an_answer_removes_nothing_and_names_the_option(home: Path) -> None:
    done = asked("down", "--purge", home=home)

    assert done.returncode == 2
    assert "add --yes" in done.stderr
    assert home.exists()


def test_purge_takes_an_answer_that_is_piped_in(home: Path) -> None:
    assert asked("down", "--purge", home=home, piped="n\n").returncode == 1
    assert home.exists()
    assert asked("down", "--purge", home=home, piped="y\n").returncode == 0
    assert not home.exists()


def test_purge_with_yes_asks_nothing(home: Path) -> None:
    done = asked("down", "--purge", "--yes", home=home)

    assert (done.returncode, "?" in done.stdout) == (0, False)
    assert not home.exists()


def test_password_without_a_terminal_names_the_option(home: Path) -> None:
    done = asked("desk", "add", "ann", home=home)

    assert done.returncode == 2
    assert "add --generate" in done.stderr
