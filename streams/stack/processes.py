"""
Background processes of one home. Each part has a name and its own session, and is stopped together with its children.

All processes of a part have `CAF_PART` in their environment. So orphaned processes are found even if they have a
session of their own. A process that got the id of an ended part is not mistaken for the part.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import psutil
import structlog

from streams.errors import StackFailed
from streams.times import wait_for

__all__ = [
    "Say",
    "Started",
    "find",
    "log_file",
    "members",
    "memory_mb",
    "record",
    "start",
    "stop",
    "wait_until",
]

log = structlog.get_logger()

Say = Callable[[str], None]
"""A function that tells the user in one sentence what the program is doing."""

MARK = "CAF_PART"
LOG_BYTES = 20_000_000

_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, kw_only=True)
class Started:
    """
    The facts that are stored about a part when it is started. `created` is the start time of its process in seconds
    since 1970.
    """

    name: str
    pid: int
    created: float
    address: str

    @property
    def alive(self) -> bool:
        """
        Whether the process that was started is still running. Another process that later got the same id does not
        count.
        """
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            return False
        try:
            process = psutil.Process(self.pid)
            # The kernel's clock can be adjusted by a fraction of a second between two readings, so the two times may
            # differ slightly.
            return abs(process.create_time() - self.created) < 1 and _is_alive(process)
        except psutil.NoSuchProcess:
            return False


def start(
    home: Path,
    name: str,
    command: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    address: str = "",
    user: str | None = None,
) -> Started:
    """
    Start a command in the background as the part `name`. The command's output goes to `home/logs/name.log`.

    If an earlier run of the part crashed, the processes that it left behind are stopped first.

    Args:
        address: where users find the part; `status` shows this.
        user: the system user that runs the command. Only root can name another user.

    Raises:
        StackFailed: the part is already running, or its command cannot be started.
    """
    earlier = find(home, name)
    if earlier is not None and earlier.alive:
        raise StackFailed(f"{name} runs already as process {earlier.pid}; stop it first")
    stop(home, name)
    environ = {**(os.environ if env is None else env), MARK: _mark(home, name), "SPT_NOENV": "1"}
    with _open_log(home, name) as output:
        try:
            child = subprocess.Popen(
                [os.fspath(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environ,
                cwd=cwd,
                start_new_session=True,
                user=user,
            )
        except OSError as error:
            raise StackFailed(f"{name} cannot be started: {error.strerror}: {command[0]}") from error
    _children[child.pid] = child
    started = Started(name=name, pid=child.pid, created=psutil.Process(child.pid).create_time(), address=address)
    _remember(home, started)
    log.info("part_started", part=name, pid=child.pid)
    return started


def find(home: Path, name: str) -> Started | None:
    """Return what was stored at the start of a part, or None if it was never started or `stop` has stopped it."""
    try:
        return Started(**json.loads(record(home, name).read_text()))
    except FileNotFoundError:
        return None


def stop(home: Path, name: str, *, first: signal.Signals | None = None, patience: float = 20) -> bool:
    """
    Stop a part: send SIGTERM to all its processes, and then SIGKILL to those that are still running.

    Args:
        first: a signal for the part's first process alone, sent before SIGTERM. On this signal, the first process must
            end the part's other processes.
        patience: seconds that each step may take.

    Returns:
        Whether any process was running.
    """
    started = find(home, name)
    leader = started.pid if started is not None and started.alive else None
    found = members(home, name)
    if first is not None:
        _signal([process for process in found if process.pid == leader], first, patience)
    _signal(members(home, name), signal.SIGTERM, patience)
    while remaining := members(home, name):
        _signal(remaining, signal.SIGKILL, patience)
    child = _children.pop(started.pid, None) if started is not None else None
    if child is not None:
        child.wait()
    record(home, name).unlink(missing_ok=True)
    if found:
        log.info("part_stopped", part=name, processes=len(found))
    return bool(found)


def members(home: Path, name: str) -> list[psutil.Process]:
    """Return every live process of the part: all processes whose `CAF_PART` names the part, and their descendants."""
    mark = _mark(home, name)
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                # Count all descendants. A server that shows its state in the process title may have overwritten its
                # children's environment.
                found.update({member.pid: member for member in (process, *process.children(recursive=True))})
        except (psutil.Error, OSError):
            continue
    return [process for process in found.values() if _is_alive(process)]


def memory_mb(processes: Iterable[psutil.Process]) -> float:
    """
    Return how much memory the processes use together, in MB. Memory that they share counts once, if the system reports
    it.
    """
    total = 0
    for process in processes:
        try:
            memory = process.memory_full_info()
            total += getattr(memory, "pss", memory.rss)
        except (psutil.Error, OSError):
            continue
    return round(total / 1e6, 1)


def wait_until(ready: Callable[[], bool], started: Started, home: Path, *, seconds: float) -> None:
    """
    Wait until `ready` returns true, which shows that the started part answers.

    Raises:
        StackFailed: the part stopped, or did not answer within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if not started.alive:
            raise StackFailed(f"{started.name} stopped while starting; its log ends with: {_last_words(home, started)}")
        if time.monotonic() > deadline:
            raise StackFailed(
                f"{started.name} did not answer within {seconds:.0f} s; see {log_file(home, started.name)}"
            )
        time.sleep(0.1)


def record(home: Path, name: str) -> Path:
    """Return the file that stores the part's process id, start time and address."""
    return home / "run" / f"{name}.json"


def log_file(home: Path, name: str) -> Path:
    """Return the file to which the part's output is written."""
    return home / "logs" / f"{name}.log"


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _mark(home: Path, name: str) -> str:
    return f"{home.resolve()}::{name}"


def _open_log(home: Path, name: str) -> BinaryIO:
    path = log_file(home, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _remember(home: Path, started: Started) -> None:
    path = record(home, started.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps(asdict(started)))
    aside.replace(path)


def _signal(processes: Sequence[psutil.Process], sign: signal.Signals, patience: float) -> None:
    """
    Send a signal, and wait up to `patience` seconds until all processes have ended. A zombie process counts
    as ended.
    """
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(sign)
    wait_for(lambda: not any(map(_is_alive, processes)), patience, every=0.02)


def _last_words(home: Path, started: Started) -> str:
    lines = log_file(home, started.name).read_text(errors="replace").split("\n")
    return " / ".join(line.strip() for line in lines if line.strip())[-300:]
