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
from urllib.parse import quote, urlsplit

import duckdb
import psycopg2

from streams.errors import LakeUnavailable
from streams.lake.limits import lift_limits
from streams.lake.lock_keys import LockKey
from streams.lake.lock_rights import close_locks
from streams.lake.object_store import NO_CREDENTIALS, ObjectStore, without_credentials
from streams.lake.one_row import one_row
from streams.lake.postgres import Postgres
from streams.lake.quoted import quoted
from streams.lake.roles import POSTGRES_ROLE, SqlRole, ensure_analyst
from streams.lake.schema import FINISHED_OPTION, create_landing, create_marts
from streams.lake.session import with_keepalives
from streams.lake.unfinished import refuse_unfinished
from streams.names import CATALOG_LANDING, CATALOG_MARTS
from streams.settings import Settings

__all__ = [
    "Access",
    "attach_statements",
    "catalog_dsn",
    "connect",
    "connect_as",
    "create_catalog",
    "data_path",
    "extension_file",
    "load_extensions",
    "statements_for",
]

Access = Literal["read_only", "read_write"]

_EXTENSIONS = ("httpfs", "postgres_scanner", "ducklake")
"""DuckDB writes encrypted files only with `httpfs`. It reads them without it, but takes three times as long."""
_OF_OBJECTS = "aws"
"""Finds the credentials for an object store. It is loaded only for a lake that is in one."""
_FROM_ENVIRONMENT = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
"""Settings that `httpfs` fills from the environment, and that every query could read in `duckdb_settings()`."""
_CREATE = {CATALOG_LANDING: create_landing, CATALOG_MARTS: create_marts}


def connect(
    settings: Settings, *, landing: Access | None = "read_only", marts: Access | None = "read_only"
) -> duckdb.DuckDBPyConnection:
    """
    Open an in-memory DuckDB with the catalogs attached as `landing` and `marts`. A catalog with the access None is not
    attached.

    The session's time zone is UTC.

    Raises:
        LakeUnavailable: the catalog's database does not answer, the catalog expects its Parquet files elsewhere, or a
            restore of the lake is not finished.
    """
    return _opened(settings, attach_statements(settings, landing=landing, marts=marts))


def connect_as(settings: Settings, role: SqlRole) -> duckdb.DuckDBPyConnection:
    """
    Open an in-memory DuckDB with what a role may see of the lake. Nothing can be written.

    Raises:
        LakeUnavailable: as for `connect`, or the database has no role for analysts.
    """
    return _opened(settings, statements_for(settings, role))


def statements_for(settings: Settings, role: SqlRole) -> list[str]:
    """
    Return the statements that attach what a role may see of the lake.

    Raises:
        LakeUnavailable: the catalog's database does not answer, or it has no role for analysts.
    """
    if role is SqlRole.DESK:
        return attach_statements(settings)
    dsn = catalog_dsn(settings)
    if (lacking := _ensure_catalogs(settings, dsn, [CATALOG_MARTS])) is not None:
        raise LakeUnavailable(lacking)
    separator = "&" if urlsplit(dsn).query else "?"
    as_analyst = f"{dsn}{separator}options={quote(f'-c role={POSTGRES_ROLE}')}"
    return [*_credentials(settings), _attach(settings, as_analyst, CATALOG_MARTS, "read_only", CATALOG_MARTS)]


def _opened(settings: Settings, statements: list[str]) -> duckdb.DuckDBPyConnection:
    lake = _session(settings)
    try:
        for statement in statements:
            lake.execute(statement)
    except duckdb.Error as error:
        lake.close()
        raise _unavailable(settings, error) from None
    return lake


def attach_statements(
    settings: Settings,
    *,
    landing: Access | None = "read_only",
    marts: Access | None = "read_only",
    marts_as: str = CATALOG_MARTS,
) -> list[str]:
    """
    Return the statements that attach the catalogs. Missing catalogs are created.

    The session that runs the statements must have loaded the extensions.

    Args:
        marts_as: the name of the attached catalog of the marts.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    dsn = catalog_dsn(settings)
    wanted = {CATALOG_LANDING: landing, CATALOG_MARTS: marts}
    catalogs = {catalog: access for catalog, access in wanted.items() if access is not None}
    _ensure_catalogs(settings, dsn, list(catalogs))
    attached_as = {CATALOG_LANDING: CATALOG_LANDING, CATALOG_MARTS: marts_as}
    return [
        *_credentials(settings),
        *(_attach(settings, dsn, catalog, access, attached_as[catalog]) for catalog, access in catalogs.items()),
    ]


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


def _lies_in_home(settings: Settings) -> bool:
    """
    Return whether the catalog and its files are both in the home.

    If so, both move with the home, so a changed path is correct. Otherwise a changed path is a mistake, and DuckLake
    refuses it.
    """
    return not settings.lake_data and not settings.postgres


def load_extensions(session: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """
    Load the extensions that a session needs before it attaches the lake.

    If the session may load unsigned extensions, DuckDB does not compute the checksums of 100 MB of files, which would
    take half a second of CPU. Like DuckDB itself, they came with packages that were compared with the checksums of the
    lock file. Afterwards, the session may load only signed extensions.

    Credentials that the environment has for object stores are not left in the session's settings.
    """
    for name in (*_EXTENSIONS, *([_OF_OBJECTS] if settings.is_in_object_store else [])):
        session.execute(f"LOAD {quoted(extension_file(name))}")
    for name in _FROM_ENVIRONMENT:
        session.execute(f"SET {name} = ''")
    session.execute("SET allow_unsigned_extensions = false")


def extension_file(name: str) -> Path:
    """Return the file of an extension in its Python package."""
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    assert package is not None, "the lock file installs it"
    return Path(str(package.origin)).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def _session(settings: Settings) -> duckdb.DuckDBPyConnection:
    session = duckdb.connect(config={"autoinstall_known_extensions": False, "allow_unsigned_extensions": True})
    load_extensions(session, settings)
    session.execute("SET TimeZone = 'UTC'")
    return session


def _credentials(settings: Settings) -> list[str]:
    """Return the statements that find the credentials for the lake's objects. They contain no secret."""
    store = ObjectStore.of(settings)
    return store.statements() if store else []


def _attach(
    settings: Settings, dsn: str, catalog: str, access: Access, name: str, *, is_encrypted: bool = False
) -> str:
    options = [f"METADATA_SCHEMA '{catalog}'", f"DATA_PATH {quoted(data_path(settings, catalog))}"]
    if _lies_in_home(settings):
        options.append("OVERRIDE_DATA_PATH true")
    if access == "read_only":
        options.append("READ_ONLY")
    if is_encrypted:
        # Only a new catalog needs this. It is noted there, and so is the key of each file.
        options.append("ENCRYPTED")
    server = quoted(f"ducklake:postgres:{with_keepalives(dsn)}")
    return f"ATTACH IF NOT EXISTS {server} AS {name} ({', '.join(options)})"


def _ensure_catalogs(settings: Settings, dsn: str, catalogs: list[str]) -> str | None:
    """Create missing catalogs. Return what the role of analysts lacks, or None (`ensure_analyst`)."""
    try:
        connection = psycopg2.connect(dsn, connect_timeout=10)
    except psycopg2.OperationalError as error:
        raise LakeUnavailable(f"the lake's catalog does not answer: {str(error).strip().splitlines()[0]}") from None
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        refuse_unfinished(cursor)
        lift_limits(cursor)
        if _missing(cursor, catalogs):
            # The server frees the lock when this session ends.
            cursor.execute("SELECT pg_advisory_lock(%s)", [LockKey.CREATION])
            for catalog in _missing(cursor, catalogs):
                create_catalog(settings, dsn, catalog)
        close_locks(cursor)
        return ensure_analyst(cursor)


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


def create_catalog(settings: Settings, dsn: str, catalog: str, *, is_encrypted: bool = True) -> None:
    """
    Create a catalog, or finish its creation.

    Args:
        is_encrypted: whether the files of the catalog are encrypted. Only `./caf bench trust` makes others.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    try:
        with _session(settings) as session:
            for statement in _credentials(settings):
                session.execute(statement)
            session.execute(_attach(settings, dsn, catalog, "read_write", catalog, is_encrypted=is_encrypted))
            _CREATE[catalog](session)
    except duckdb.Error as error:
        raise _unavailable(settings, error) from None


def _unavailable(settings: Settings, error: duckdb.Error) -> LakeUnavailable:
    """Make a one-sentence error without the database's address, because the address may contain a password."""
    if settings.is_in_object_store and NO_CREDENTIALS in str(error):
        return LakeUnavailable(without_credentials(settings))
    sentence = str(error).strip().splitlines()[0]
    return LakeUnavailable(f"the lake cannot be attached: {sentence}")
