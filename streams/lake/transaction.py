"""Transactions of DuckDB on the lake."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

__all__ = ["transaction"]


@contextmanager
def transaction(lake: duckdb.DuckDBPyConnection, *, keeps: bool = True) -> Iterator[None]:
    """
    All that is run in it counts, or nothing; without `keeps` nothing does, and all questions see one snapshot.

    However it ends, it has ended: DuckDB aborts the process that closes a connection within a transaction whose session
    the catalog's server has ended meanwhile.
    """
    lake.execute("BEGIN")
    try:
        yield
        lake.execute("COMMIT" if keeps else "ROLLBACK")
    except BaseException:
        with suppress(duckdb.Error):
            lake.execute("ROLLBACK")
        raise
