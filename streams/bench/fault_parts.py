"""
Run the parts that faults hit. A part is a process that is restarted when it ends.

Each part has its own clock, and the lake's files are on a small disk.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil

from streams.settings import PROJECT, Settings
from streams.stack import broker, postgres, processes
from streams.stack.environ import project_environment

__all__ = ["PARTS", "Disk", "Parts", "own_disk"]

PARTS = {
    "land": ("land", "--no-check"),
    "watch": ("watch",),
    "standby": ("watch",),
    "build": ("build", "--follow"),
}
"""
The commands of the parts, which run as plain processes. The standby is a second watcher. Here, `land`
does not check expectations, because a failed check would hold the marts.
"""

_FAKETIME = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime")
_SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], max(0, seconds)) and None\n"
"""A replacement for `time.sleep`. Python's own `time.sleep` fails when libfaketime changes only the time of day."""
_DISK_MB = 512
_END_SECONDS = 60

Say = Callable[[str], None]


class Parts:
    """Starts parts and servers, and restarts each one that has ended."""

    def __init__(self, settings: Settings) -> None:
        self._embedded = settings
        # These settings name PostgreSQL as a server that runs elsewhere. Otherwise a part could start PostgreSQL, and
        # PostgreSQL would run with the part's wrong clock.
        self.settings = replace(settings, postgres=postgres.start(settings).url)
        self._library = next((path for one in _FAKETIME if (path := Path(one, "libfaketimeMT.so.1")).exists()), None)
        self.restarts = 0
        (settings.home / "python").mkdir()
        (settings.home / "python" / "sitecustomize.py").write_text(_SLEEP)

    @property
    def has_clocks(self) -> bool:
        """Whether the parts' clocks can be set wrong, which needs libfaketime."""
        return self._library is not None

    def revive(self) -> None:
        """Start every part and server that is not running."""
        for server, start in ((postgres, postgres.start), (broker, self._start_broker)):
            if not self._alive(server.NAME):
                start(self._embedded)
        for name in PARTS:
            if not self._alive(name):
                self._start(name)
                self.restarts += 1

    def signal(self, name: str, number: int) -> None:
        """Send a signal to all processes of a part or server."""
        for process in processes.members(self._embedded.home, name):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def step_clock(self, name: str, seconds: int) -> None:
        """
        Make a part's clock differ from the machine's clock by `seconds`.

        The part notices the change within a second.
        """
        self._clock(name).write_text(f"{seconds:+d}\n")

    def stop(self, name: str) -> bool:
        """Ask a part to end. Return whether it ended in time with exit code 0."""
        found = processes.find(self._embedded.home, name)
        assert found is not None  # `revive` has started the part
        try:
            process = psutil.Process(found.pid)
            process.terminate()
            return process.wait(_END_SECONDS) == 0
        except psutil.Error:
            return False

    def _alive(self, name: str) -> bool:
        found = processes.find(self._embedded.home, name)
        return found is not None and found.alive

    def _start_broker(self, settings: Settings) -> None:
        broker.start(settings, lambda _: None)

    def _start(self, name: str) -> None:
        environ = {**os.environ, **project_environment(self.settings)}
        if self._library:
            if not self._clock(name).exists():
                self.step_clock(name, 0)
            environ |= {
                "LD_PRELOAD": str(self._library),
                "FAKETIME_TIMESTAMP_FILE": str(self._clock(name)),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DISABLE_SHM": "1",
                "DONT_FAKE_MONOTONIC": "1",
                "PYTHONPATH": f"{self._embedded.home / 'python'}{os.pathsep}{environ['PYTHONPATH']}",
            }
        command = (sys.executable, "-m", "streams.cli", *PARTS[name])
        processes.start(self._embedded.home, name, command, env=environ, cwd=PROJECT)

    def _clock(self, name: str) -> Path:
        return self._embedded.home / f"clock-{name}"


class Disk:
    """A small file system for the lake's files. Faults can fill it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self) -> None:
        """Fill the disk with a file."""
        free = shutil.disk_usage(self._folder).free
        with suppress(OSError), self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free)

    def clear(self) -> None:
        """Free the disk space again."""
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self._folder / "filler"


@contextmanager
def own_disk(folder: Path, say: Say) -> Iterator[Disk | None]:
    """Mount a file system in memory at the folder. Yield None if this user is not allowed to mount one."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "caf-faults", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        say("No fault fills a disk: only root can mount a small file system.")
        yield None
        return
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)
