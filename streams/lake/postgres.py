"""
The PostgreSQL server that holds the lake's catalogs: its address and its databases. Nothing here starts a server.

The settings name the server, or it is the embedded server of the home. The address of an embedded server follows from
the path of its home, so every process knows the address, whether the server runs or not.
"""

import hashlib
import os
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

__all__ = ["Postgres", "data_folder", "socket_folder"]

_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 100
"""Longest path of a socket in bytes that fits the limit of every system (103 bytes on macOS, 107 on Linux)."""


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server, which may be down. `url` is its libpq URL, with the database for the first connection."""

    url: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the server that the settings name; otherwise the embedded server of the home."""
        return cls(settings.postgres or _embedded_url(data_folder(settings.home)))

    def dsn(self, database: str) -> str:
        """
        Return the libpq URL of a database, for psycopg2 and for `ducklake:postgres:`. A missing database is created.

        Raises:
            LakeUnavailable: the server does not answer, or the role may not create the database.
        """
        self._create(database)
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{quote(database, safe='')}"))

    def sqlalchemy(self, database: str, driver: str = "psycopg2") -> str:
        """Return the SQLAlchemy URL of a database; raises as `dsn` does. A missing database is created."""
        return f"postgresql+{driver}:{self.dsn(database).partition(':')[2]}"

    def drop(self, database: str) -> None:
        """Drop a database and end the connections to it. A missing database is not an error."""
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
                raise LakeUnavailable(f"database {database!r} is missing and may not be created; create it") from None

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
    Return the folder of the socket: the data folder, or a temporary one if its path is too long or has a comma.

    libpq would take a path with a comma for two hosts.
    """
    data = data.resolve()
    if len(os.fsencode(data / _SOCKET)) <= _SOCKET_PATH_BYTES and "," not in str(data):
        return data
    return Path(tempfile.gettempdir()) / f"caf-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def _embedded_url(data: Path) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(socket_folder(data)), safe='')}"
