"""
Run the embedded PostgreSQL server of a home for as long as commands need it.

A command that needs the server starts it if it is down. The last of the commands that use the server stops it again.
`./caf up` takes over a server that a command has started. Such a server runs until `./caf down`.

Each command holds a shared lock on one file in the home. Only a command that can lock this file for itself alone stops
the server. The file is empty unless a command has started the server.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from streams.settings import Settings
from streams.stack import machine, postgres

__all__ = ["postgres_running", "start_postgres_to_stay"]


@contextmanager
def postgres_running(settings: Settings) -> Iterator[None]:
    """
    Keep the embedded server running. At the end, stop it if a command has started it and no other command uses it.

    If the settings name another server, do nothing.

    Raises:
        MachineUnfit: the machine lacks what the embedded server needs.
        StackFailed: the embedded server cannot be started.
    """
    if settings.postgres:
        yield
        return
    with _used(settings) as users:
        # The file is written before the server starts. So if this command is killed, the next command stops the server.
        postgres.start(settings, beforehand=lambda: Path(users.name).write_text("A command has started the server.\n"))
        try:
            yield
        finally:
            _stop_after_the_last(settings, users)


def start_postgres_to_stay(settings: Settings) -> None:
    """Start the embedded server, unless it runs or the settings name another. Commands do not stop it any more."""
    if settings.postgres:
        return
    with _used(settings) as users:
        postgres.start(settings)
        users.truncate(0)


@contextmanager
def _used(settings: Settings) -> Iterator[TextIO]:
    """Share the lock of the file. Until the file is closed, no other command stops the server."""
    path = settings.home / "run" / f"{postgres.NAME}.users"
    if not path.parent.exists():
        machine.check_home(settings.home)
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield users


def _stop_after_the_last(settings: Settings, users: TextIO) -> None:
    with suppress(BlockingIOError):  # another command still uses the server
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if Path(users.name).stat().st_size:
            postgres.stop(settings)
            users.truncate(0)
