"""Read the files of a lake directly, with the keys that its catalogs hold."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg2
import pytest

from streams.lake.connect import catalog_dsn, connect
from streams.names import CATALOG_LANDING, CATALOG_MARTS
from streams.settings import Settings

_KEYS = " UNION ALL ".join(
    f"SELECT path, encryption_key FROM {catalog}.ducklake_{kind}_file"
    for catalog in (CATALOG_LANDING, CATALOG_MARTS)
    for kind in ("data", "delete")
)


def keys_of_files(settings: Settings) -> dict[str, str | None]:
    """The key in Base64 of each file that the catalogs list, by the name of the file."""
    connect(settings).close()  # makes missing catalogs
    with closing(psycopg2.connect(catalog_dsn(settings))) as connection, connection.cursor() as cursor:
        cursor.execute(_KEYS)
        return {Path(path).name: key for path, key in cursor.fetchall()}


def rows_in_files(settings: Settings) -> Iterator[tuple[str, str]]:
    """
    Each file in the lake's folder with each of its rows as text.

    A file that no catalog lists, for example of a commit that was aborted, must be unreadable.
    """
    keys = keys_of_files(settings)
    files = list(Path(settings.lake_folder).rglob("*.parquet"))
    assert files
    for file in files:
        if file.name not in keys:
            with pytest.raises(duckdb.InvalidInputException, match="is encrypted"):
                duckdb.execute("FROM read_parquet(?)", [str(file)])
            continue
        opened = "encryption_config = {footer_key_value: from_base64(?)}"
        for row in duckdb.execute(f"FROM read_parquet(?, {opened})", [str(file), keys[file.name]]).fetchall():
            yield str(file), repr(row)
