"""Which rows of a table are others than they were, so that nobody reads or writes the rest."""

from dataclasses import dataclass

import duckdb

__all__ = ["Change", "state"]


@dataclass(frozen=True)
class Change:
    """The rows that are `gone`, as a condition on the table's columns, and the relation of those that have `come`."""

    gone: str
    come: str

    def statements(self, table: str) -> tuple[str, str]:
        """What changes a table that has the rows of before."""
        return f"DELETE FROM {table} WHERE {self.gone}", f"INSERT INTO {table} BY NAME FROM {self.come}"

    def is_none(self, session: duckdb.DuckDBPyConnection, table: str) -> bool:
        """Whether the same rows come as go."""
        return state(session, f"(FROM {table} WHERE {self.gone})") == state(session, self.come)


def state(session: duckdb.DuckDBPyConnection, relation: str) -> tuple[int, int | None]:
    """How many rows a table has, and the sum of their hashes: the same for the same rows in any order."""
    return session.execute(f"SELECT count(*), sum(hash(row_)::HUGEINT) FROM {relation} AS row_").fetchone()
