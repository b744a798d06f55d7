"""
DuckDB connections with the lake's two catalogs attached.

The first process that connects creates a missing catalog. So a reader can start before any writer has started.
No connection starts the database server. `./caf up` starts it, and so do the commands that use the lake.
Extensions are loaded from their Python packages. This needs no network, and writes nothing to the user's home folder.
"""

import importlib.util
from contextlib import closing
from pathlib import Path
from typing import Literal

import duckdb
import psycopg2

from streams.errors import LakeUnavailable
from streams.lake.limits import lift_limits
from streams.lake.lock_keys import LockKey
from streams.lake.one_row import one_row
from streams.lake.postgres import Postgres
from streams.lake.quoted import quoted
from streams.lake.schema import FINISHED_OPTION, create_landing, create_marts
from streams.names import CATALOG_LANDING, CATALOG_MARTS
from streams.settings import Settings

__all__ = [
    "Access",
    "attach_statements",
    "catalog_dsn",
    "connect",
    "data_path",
    "install_extensions",
    "lies_in_home",
]

Access = Literal["read_only", "read_write"]

_EXTENSIONS = ("postgres_scanner", "ducklake")
_CREATE = {CATALOG_LANDING: create_landing, CATALOG_MARTS: create_marts}


def connect(
    settings: Settings, *, landing: Access | None = "read_only", marts: Access | None = "read_only"
) -> duckdb.DuckDBPyConnection:
    """
    Open an in-memory DuckDB with the catalogs attached as `landing` and `marts`. A catalog with the access None is not
    attached.

    The session's time zone is UTC.

    Raises:
        LakeUnavailable: the catalog's database does not answer, or the catalog expects its Parquet files elsewhere.
    """
    statements = attach_statements(settings, landing=landing, marts=marts)
    lake = _session()
    try:
        for statement in statements:
            lake.execute(statement)
    except duckdb.Error as error:
        lake.close()
        raise _unavailable(error) from None
    return lake


def attach_statements(
    settings: Settings, *, landing: Access | None = "read_only", marts: Access | None = "read_only"
) -> list[str]:
    """
    Return the statements that attach the catalogs. Missing catalogs are created.

    The session that runs the statements must have loaded the extensions.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    dsn = catalog_dsn(settings)
    wanted = {CATALOG_LANDING: landing, CATALOG_MARTS: marts}
    catalogs = {catalog: access for catalog, access in wanted.items() if access is not None}
    _ensure_catalogs(settings, dsn, list(catalogs))
    return [_attach(settings, dsn, catalog, access) for catalog, access in catalogs.items()]


def catalog_dsn(settings: Settings) -> str:
    """
    Return the libpq URL of the database that holds both catalogs. Each catalog has a schema of the same name.

    Raises:
        LakeUnavailable: the database's server does not answer.
    """
    return Postgres.of(settings).dsn(settings.database)


def data_path(settings: Settings, catalog: str) -> str:
    """Return the folder or object-store prefix of a catalog's Parquet files."""
    return f"{settings.lake_folder.rstrip('/')}/{catalog}"


def lies_in_home(settings: Settings) -> bool:
    """
    Return whether the catalog and its files are both in the home.

    If so, both move with the home, so a changed path is correct. Otherwise a changed path is a mistake, and DuckLake
    refuses it.
    """
    return not settings.lake_data and not settings.postgres


def install_extensions() -> None:
    """Copy the extensions from their packages to DuckDB's cache, where a plain `LOAD` (as in dbt) finds them."""
    with duckdb.connect() as session:
        for name in _EXTENSIONS:
            session.execute(f"INSTALL '{_extension_file(name)}'")


def _session() -> duckdb.DuckDBPyConnection:
    session = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in _EXTENSIONS:
        session.execute(f"LOAD '{_extension_file(name)}'")
    session.execute("SET TimeZone = 'UTC'")
    return session


def _extension_file(name: str) -> Path:
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    assert package is not None, "the lock file installs it"
    return Path(str(package.origin)).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def _attach(settings: Settings, dsn: str, catalog: str, access: Access) -> str:
    options = [f"METADATA_SCHEMA '{catalog}'", f"DATA_PATH {quoted(data_path(settings, catalog))}"]
    if lies_in_home(settings):
        options.append("OVERRIDE_DATA_PATH true")
    if access == "read_only":
        options.append("READ_ONLY")
    return f"ATTACH IF NOT EXISTS {quoted(f'ducklake:postgres:{dsn}')} AS {catalog} ({', '.join(options)})"


def _ensure_catalogs(settings: Settings, dsn: str, catalogs: list[str]) -> None:
    try:
        connection = psycopg2.connect(dsn, connect_timeout=10)
    except psycopg2.OperationalError as error:
        raise LakeUnavailable(f"the lake's catalog does not answer: {str(error).strip().splitlines()[0]}") from None
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        lift_limits(cursor)
        if not _missing(cursor, catalogs):
            return
        # The server frees the lock when this session ends.
        cursor.execute("SELECT pg_advisory_lock(%s)", [LockKey.CREATION])
        for catalog in _missing(cursor, catalogs):
            _create(settings, dsn, catalog)


def _missing(cursor: psycopg2.extensions.cursor, catalogs: list[str]) -> list[str]:
    """Return the catalogs that do not exist, or whose creation was not finished."""
    missing = []
    for catalog in catalogs:
        cursor.execute("SELECT to_regclass(%s) IS NULL", [f"{catalog}.ducklake_metadata"])
        if not one_row(cursor)[0]:
            cursor.execute(f"SELECT 1 FROM {catalog}.ducklake_metadata WHERE key = %s", [FINISHED_OPTION])
            if cursor.fetchone():
                continue
        missing.append(catalog)
    return missing


def _create(settings: Settings, dsn: str, catalog: str) -> None:
    try:
        with _session() as session:
            session.execute(_attach(settings, dsn, catalog, "read_write"))
            _CREATE[catalog](session)
    except duckdb.Error as error:
        raise _unavailable(error) from None


def _unavailable(error: duckdb.Error) -> LakeUnavailable:
    """Make a one-sentence error without the database's address, because the address may contain a password."""
    sentence = str(error).strip().splitlines()[0]
    return LakeUnavailable(f"the lake cannot be attached: {sentence}")
