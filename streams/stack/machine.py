"""
Check that this machine can run the servers, before anything starts. Each error says what is missing and how to provide
it.
"""

import fcntl
import grp
import os
import pwd
import resource
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams.errors import MachineUnfit, PortTaken
from streams.stack.ports import check_port

__all__ = [
    "MARKER",
    "check_clock",
    "check_home",
    "check_ports",
    "check_shared_memory",
    "find_system_tools",
    "make_user",
    "prepare_process",
]

MARKER = "caf-home"
"""The file that marks a folder as a home, so that the folder may be removed."""

UMASK = 0o077
"""With this mask, only the owner may use the files and folders that a process makes."""

SPACE_MB = 500
"""Free space in MB below which no server is started, because it could run out of space in the middle of a write."""

FILES = 1_024
"""How many files the servers must be able to have open at once."""

FILES_WANTED = 65_536
"""How many open files to allow, if the machine lets this process decide."""

RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""A time before this program was written. A correct clock always shows a later time."""

_DRIFT = timedelta(hours=1)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def prepare_process() -> None:
    """
    Prepare this process and its children: only their user may read the files that they make, they may open enough
    files, and they reach the loopback address without a proxy.

    Raises:
        MachineUnfit: the process may open fewer files than the servers need.
    """
    os.umask(UMASK)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    if 0 <= soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < FILES:
        raise MachineUnfit(f"{most} files may be open at once, {FILES} are needed; raise it with 'ulimit -n {FILES}'")
    for variable in ("NO_PROXY", "no_proxy"):
        named = [name for name in os.environ.get(variable, "").split(",") if name]
        os.environ[variable] = ",".join(dict.fromkeys([*named, *_LOOPBACK]))


def find_system_tools() -> None:
    """Add the folders of administration programs to PATH, because `su` and `cron` leave these folders out."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(dict.fromkeys([*folders, "/usr/sbin", "/sbin"]))


def make_user(name: str) -> None:
    """
    Create a system user, unless it exists.

    Two processes never do this at the same time, because for a moment `useradd` takes away again what it adds while
    another one runs.

    Raises:
        MachineUnfit: the user cannot be created.
    """
    accounts = os.open("/etc", os.O_RDONLY)
    try:
        fcntl.flock(accounts, fcntl.LOCK_EX)
        if not _is_user(name):
            made = subprocess.run(["useradd", "-s", "/bin/bash", name], capture_output=True, text=True, check=False)
            if made.returncode:
                raise MachineUnfit(
                    f"PostgreSQL does not run as root, and a user {name} cannot be created for it: "
                    f"{made.stderr.strip()}; run this as an ordinary user, or create that user and a group of its name"
                )
    except FileNotFoundError:
        raise MachineUnfit(
            "PostgreSQL does not run as root, and the program that creates a user for it (useradd) is missing; "
            "run this as an ordinary user, or install it (Debian: passwd)"
        ) from None
    finally:
        os.close(accounts)


def check_home(home: Path) -> None:
    """
    Check three things: this user can write to the home, no other user made the home, and its disk has enough free
    space.

    Raises:
        MachineUnfit: the home is not writable, belongs to another user, or has too little free space.
    """
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir():
        raise MachineUnfit(f"{existing} is a file, not a folder; let CAF_HOME name another folder")
    for path, allowed in ((home, {os.geteuid(), 0}), (home / MARKER, {os.geteuid()})):
        # Whoever owns the folder could open it to others again. Root can read everything in any case.
        if path.exists() and (owner := path.stat().st_uid) not in allowed:
            raise MachineUnfit(f"{home} belongs to {_name(owner)}; log in as that user, or let CAF_HOME name another")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise MachineUnfit(f"{existing} cannot be written; let CAF_HOME name a folder of your own")
    free = shutil.disk_usage(existing).free // 1_000_000
    if free < SPACE_MB:
        raise MachineUnfit(f"{existing} has {free} MB free, {SPACE_MB} MB are needed; let CAF_HOME name another disk")


def check_ports(wanted: Mapping[str, int]) -> None:
    """
    Check, before anything starts, that a server could listen on each port.

    Args:
        wanted: the ports to check. Each key is the environment variable that sets the port.

    Raises:
        PortTaken: another program listens on a port, or this user is not allowed to use the port.
    """
    refused = []
    for variable, port in wanted.items():
        try:
            check_port(port, variable)
        except PortTaken as error:
            refused.append(str(error))
    if refused:
        raise PortTaken("; ".join(dict.fromkeys(refused)))


def check_shared_memory() -> None:
    """
    Check that processes can share locks. Airflow's processes need this.

    Raises:
        MachineUnfit: the machine has no shared memory.
    """
    import multiprocessing

    try:
        multiprocessing.get_context("fork").Lock()
    except OSError as error:
        raise MachineUnfit(
            f"Airflow needs shared memory, and there is none ({error.strerror}); mount a tmpfs on /dev/shm "
            "(a container: --shm-size 256m)"
        ) from None


def check_clock(home: Path, now: datetime | None = None) -> None:
    """
    Check that the machine's clock is not behind. Arrival times, deadlines and certificates depend on the clock.

    Raises:
        MachineUnfit: the clock shows a time before this program was written, or before the home was last started.
    """
    now = now or datetime.now(UTC)
    started = [datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in (home / "run").glob("*.json")]
    known = max([RELEASED, *(moment - _DRIFT for moment in started)])
    if now < known:
        raise MachineUnfit(
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but it is later than {known:%Y-%m-%d %H:%M}; "
            "set the clock"
        )


def _is_user(name: str) -> bool:
    """Whether both the user and its group exist."""
    try:
        return bool(pwd.getpwnam(name)) and bool(grp.getgrnam(name))
    except KeyError:
        return False


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
