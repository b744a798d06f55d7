"""DuckDB transactions on the lake."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

__all__ = ["transaction"]


@contextmanager
def transaction(lake: duckdb.DuckDBPyConnection, *, read_only: bool = False) -> Iterator[None]:
    """
    Commit all statements of the block, or none. With `read_only`, nothing is written, and all queries see one snapshot.

    The transaction always ends with the block; after an error, it is rolled back. An open transaction
    is dangerous: if the catalog's server ends the session and the connection is closed after that, DuckDB aborts the
    whole process.
    """
    lake.execute("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN")
    try:
        yield
        lake.execute("ROLLBACK" if read_only else "COMMIT")
    except BaseException:
        with suppress(duckdb.Error):
            lake.execute("ROLLBACK")
        raise
