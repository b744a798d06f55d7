"""Transactions of DuckDB on the lake."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

__all__ = ["transaction"]


@contextmanager
def transaction(lake: duckdb.DuckDBPyConnection, *, read_only: bool = False) -> Iterator[None]:
    """
    All that is run in it counts, or nothing. One that is `read_only` writes nothing; its questions see one snapshot.

    However it ends, it has ended: DuckDB aborts the process that closes a connection within a transaction whose session
    the catalog's server has ended meanwhile.
    """
    lake.execute("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN")
    try:
        yield
        lake.execute("ROLLBACK" if read_only else "COMMIT")
    except BaseException:
        with suppress(duckdb.Error):
            lake.execute("ROLLBACK")
        raise
