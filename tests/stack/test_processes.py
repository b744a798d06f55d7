"""
Background processes are remembered, found, and stopped with all processes that they started. No other process is
stopped.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from streams.errors import StackFailed
from streams.stack import processes

WAIT = "print('up', flush=True); time.sleep(600)"
CHILD = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)"

SLEEP = [sys.executable, "-c", f"import time; {WAIT}"]
STUBBORN = [sys.executable, "-c", f"import signal, time; signal.signal(15, signal.SIG_IGN); {WAIT}"]
FAMILY = [sys.executable, "-c", f"import subprocess, sys, time; {CHILD}; {WAIT}"]


def _start(home: Path, command: list[str]) -> processes.Started:
    started = processes.start(home, "part", command, address="somewhere")
    processes.wait_until(lambda: "up" in processes.log_file(home, "part").read_text(), started, home, seconds=60)
    return started


def test_started_part_is_found_by_name(tmp_path: Path) -> None:
    """Another caller finds the process id and the address with nothing but the home."""
    started = _start(tmp_path, SLEEP)
    found = processes.find(tmp_path, "part")
    processes.stop(tmp_path, "part")

    assert found == started


def test_stop_ends_children_in_sessions_of_their_own(tmp_path: Path) -> None:
    """A child that has left the process group is stopped as well."""
    _start(tmp_path, FAMILY)
    before = processes.members(tmp_path, "part")
    processes.stop(tmp_path, "part")

    assert len(before) == 2
    assert processes.members(tmp_path, "part") == []


def test_orphans_of_a_killed_part_are_stopped(tmp_path: Path) -> None:
    """
    After `kill -9` of the first process, its child processes are found by an environment variable that marks
    them.
    """
    started = _start(tmp_path, FAMILY)
    psutil.Process(started.pid).kill()

    assert processes.stop(tmp_path, "part")
    assert processes.members(tmp_path, "part") == []


def test_process_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    """If a process ignores SIGTERM, `stop` still ends it."""
    _start(tmp_path, STUBBORN)
    processes.stop(tmp_path, "part", patience=0.2)

    assert processes.members(tmp_path, "part") == []


def test_recycled_process_id_is_not_stopped(tmp_path: Path) -> None:
    """If another program has got a remembered process id, that program is not stopped, and the part counts as ended."""
    with subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL) as stranger:
        record = processes.record(tmp_path, "part")
        record.parent.mkdir(parents=True)
        record.write_text(json.dumps({"name": "part", "pid": stranger.pid, "created": 1.0, "address": ""}))
        alive = processes.find(tmp_path, "part").alive
        ran = processes.stop(tmp_path, "part")
        still_there = stranger.poll() is None
        stranger.kill()

    assert (alive, ran, still_there) == (False, False, True)


def test_running_part_is_not_started_twice(tmp_path: Path) -> None:
    """The second start fails and names the running process."""
    started = _start(tmp_path, SLEEP)
    with pytest.raises(StackFailed, match=f"runs already as process {started.pid}"):
        processes.start(tmp_path, "part", SLEEP)

    processes.stop(tmp_path, "part")


def test_part_that_ends_while_starting_shows_its_last_words(tmp_path: Path) -> None:
    """The error message contains the reason, so nobody has to look into a log."""
    started = processes.start(tmp_path, "part", [sys.executable, "-c", "raise SystemExit('no such luck')"])
    with pytest.raises(StackFailed, match="no such luck"):
        processes.wait_until(lambda: False, started, tmp_path, seconds=60)


def test_missing_program_is_one_sentence(tmp_path: Path) -> None:
    """The error message names the command that does not exist."""
    with pytest.raises(StackFailed, match="nonesuch cannot be started: No such file"):
        processes.start(tmp_path, "nonesuch", [tmp_path / "nonesuch"])


def test_memory_of_a_running_process_is_counted() -> None:
    """A Python interpreter takes more than a megabyte."""
    assert processes.memory_mb([psutil.Process(os.getpid())]) > 1
