"""`./caf about` writes files for their owner only, and repeats no id in its logs and errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.settings import PROJECT, Settings
from tests.subject_access.conftest import CHILD, FAMILY


@pytest.fixture
def run(home_of_fear: Settings):
    """Runs the command with the lake's settings."""
    environ = {**os.environ, **home_of_fear.to_env(), "PYTHONPATH": str(PROJECT)}

    def ran(*words: str, typed: str | None = None) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "streams.cli", "about", *words]
        return subprocess.run(command, env=environ, input=typed, capture_output=True, text=True, check=False)

    return ran


def test_file_is_for_its_owner_only_even_if_another_one_was_there(run, tmp_path: Path) -> None:
    out = tmp_path / "answer.json"
    out.write_text("old")
    out.chmod(0o666)
    done = run(CHILD, "--json", "--out", str(out))

    assert done.returncode == 0, done.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    assert json.loads(out.read_text())["about"] == CHILD
    assert list(tmp_path.iterdir()) == [out]
    assert done.stdout == ""
    assert CHILD not in done.stderr


def test_answer_is_for_the_subject_unless_the_officer_asks_and_the_id_may_be_typed(run) -> None:
    subject, officer = run("-", "--json", typed=f"{FAMILY}\n"), run(FAMILY, "--json", "--for", "officer")

    assert json.loads(subject.stdout)["about"] == FAMILY
    assert "secret" not in subject.stdout
    assert "secret" in officer.stdout


def test_unknown_id_leaves_no_file_and_is_not_repeated(run, tmp_path: Path) -> None:
    done = run("P-never-heard-of", "--out", str(tmp_path / "answer.html"))

    assert done.returncode == 1
    assert "caf: nothing is held under this id" in done.stderr
    assert "never-heard-of" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
