"""
The PostgreSQL server that holds the lake's catalogs: its address and its databases. Nothing here starts a server.

The settings may name a server. Otherwise each home has an embedded server, whose address follows from the path of the
home. So every process knows the address, even if the server is down.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import errors, sql

from streams.errors import LakeUnavailable
from streams.settings import Settings

__all__ = ["Postgres", "data_folder", "refuse_foreign", "socket_folder"]

_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 100
"""The longest path in bytes that a socket may have. Systems allow 103 bytes (macOS) or 107 bytes (Linux)."""


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server, which may be down. `url` is its libpq URL, with the database for the first connection."""

    url: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the server that the settings name. If they name none, return the embedded server of the home."""
        return cls(settings.postgres or _embedded_url(data_folder(settings.home)))

    def dsn(self, database: str) -> str:
        """
        Return the libpq URL of a database, as psycopg2 and `ducklake:postgres:` need it. A missing database is created.

        Raises:
            LakeUnavailable: the server does not answer, or does not let the role create the database.
        """
        self._create(database)
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{quote(database, safe='')}"))

    def sqlalchemy(self, database: str, driver: str = "psycopg2") -> str:
        """Return the SQLAlchemy URL of a database. A missing database is created. Errors are those of `dsn`."""
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
            raise LakeUnavailable(
                f"PostgreSQL does not answer ({str(error).strip().splitlines()[0]}); "
                "start it with './caf up', or name another server in CAF_POSTGRES"
            ) from None
        with closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor


def data_folder(home: Path) -> Path:
    """Return the folder with the data of a home's embedded server."""
    return home / "postgres"


def socket_folder(data: Path) -> Path:
    """
    Return the folder of the socket: the data folder, or a temporary folder if the path of the data folder cannot be
    used.

    The path must be short enough for a socket. It must not contain a comma, because libpq would read it as two hosts.
    """
    data = data.resolve()
    if len(os.fsencode(data / _SOCKET)) <= _SOCKET_PATH_BYTES and "," not in str(data):
        return data
    return Path(tempfile.gettempdir()) / f"caf-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def refuse_foreign(folder: Path, data: Path) -> None:
    """
    Refuse a socket's folder that another user of the machine has made. That user could answer in the server's place.

    Raises:
        LakeUnavailable: the folder belongs to another user, or is not a folder.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    owners = {os.geteuid(), *([data.stat().st_uid] if data.exists() else [])}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise LakeUnavailable(
            f"{folder} belongs to another user, who could read what is sent to PostgreSQL; remove it, or let CAF_HOME "
            "name a folder with a shorter path"
        )


def _embedded_url(data: Path) -> str:
    folder = socket_folder(data)
    if folder != data.resolve():
        refuse_foreign(folder, data)
    return f"postgresql://postgres@/postgres?host={quote(str(folder), safe='')}"
