"""Describe which rows of a table have changed, so that a build reads and writes only those rows."""

from dataclasses import dataclass

import duckdb

from streams.lake.one_row import one_row

__all__ = ["Change", "state"]


@dataclass(frozen=True)
class Change:
    """
    The changed rows of one table.

    Attributes:
        gone: the rows to remove, as a condition on the table's columns.
        come: the rows to add, as a relation.
    """

    gone: str
    come: str

    def statements(self, table: str) -> tuple[str, str]:
        """Return the statements that apply this change to a table that still has its former rows."""
        return f"DELETE FROM {table} WHERE {self.gone}", f"INSERT INTO {table} BY NAME FROM {self.come}"

    def is_none(self, session: duckdb.DuckDBPyConnection, table: str) -> bool:
        """True if the rows to add are the same as the rows to remove."""
        return state(session, f"(FROM {table} WHERE {self.gone})") == state(session, self.come)


def state(session: duckdb.DuckDBPyConnection, relation: str) -> tuple[int, int | None]:
    """Return the number of rows and the sum of their hashes. The order of the rows changes neither of them."""
    counted = session.execute(f"SELECT count(*), sum(hash(row_)::HUGEINT) FROM {relation} AS row_")
    rows, hashes = one_row(counted)
    return rows, hashes
