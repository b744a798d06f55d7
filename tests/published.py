"""The tables that a build has published, for comparison with the tables of another build."""

from collections import Counter

import duckdb

__all__ = ["FRESH", "published"]

FRESH = 100 * 365 * 86_400.0
"""
Seconds for which a heartbeat counts as fresh. A hundred years are set so that a lake with old data counts as watched.
"""

_TABLES = """
    SELECT schema_name, table_name FROM duckdb_tables()
    WHERE database_name = '{catalog}' AND schema_name <> 'run' ORDER BY ALL
"""
_COLUMNS = """
    SELECT column_name, data_type FROM duckdb_columns()
    WHERE database_name = '{catalog}' AND schema_name = ? AND table_name = ? ORDER BY column_index
"""


def published(
    lake: duckdb.DuckDBPyConnection, *, without: str | None = None, catalog: str = "marts"
) -> tuple[dict[str, Counter], dict[str, list]]:
    """
    The rows of every published table in any order, and the table's columns with their types.

    The column `without` is left out of the rows. The order of items in lists does not count.
    """
    bags, described = {}, {}
    for schema, table in lake.execute(_TABLES.format(catalog=catalog)).fetchall():
        columns = lake.execute(_COLUMNS.format(catalog=catalog), [schema, table]).fetchall()
        chosen = (
            f'list_sort("{name}")' if type_.endswith("[]") else f'"{name}"'
            for name, type_ in columns
            if name != without
        )
        rows = lake.execute(f"SELECT ({', '.join(chosen)})::VARCHAR FROM {catalog}.{schema}.{table}").fetchall()
        bags[f"{schema}.{table}"], described[f"{schema}.{table}"] = Counter(row for (row,) in rows), columns
    return bags, described
