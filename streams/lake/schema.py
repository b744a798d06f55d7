"""
Create the landing tables from the contract, and set how each catalog stores its rows.

DuckLake can store rows inside its catalog. This is called inlining, and is switched off for two reasons. First, an
inlined insert takes a time that grows with the square of the number of rows (0.4 s for 500 alerts, 3 s for 2,000
alerts). Second, DuckLake has lost and duplicated rows when inlined rows were combined with deletes, flushes or files.
"""

from collections import defaultdict

import duckdb
import structlog

from streams.contracts.landing import Table, landing_tables, sql_type
from streams.lake.transaction import transaction
from streams.names import CATALOG_LANDING, CATALOG_MARTS

__all__ = [
    "FINISHED_OPTION",
    "create_landing",
    "create_marts",
    "ensure_landing",
    "ensure_table",
    "limit_rows_in_memory",
]

log = structlog.get_logger()

FINISHED_OPTION = "parquet_compression"
"""The option that is set last when a catalog is created. A catalog that has this option is complete."""

_WHOLE_RECORDS = ("quarantine", "dead_letters")
"""Tables whose rows hold whole records, which may be long."""
_ROWS_IN_MEMORY = 2_048
"""
How many rows of these tables are written at once, and so have to fit into memory.

With DuckDB's own number of rows (122,880), merging forty batches of large records took 4.6 GB of memory. With this
number, it took 1.0 GB.
"""


def create_landing(lake: duckdb.DuckDBPyConnection) -> None:
    """Create the landing tables of a new catalog."""
    _set(lake, CATALOG_LANDING, "data_inlining_row_limit", 0)
    # All tables are created in one transaction, because a commit takes as long as creating all these tables.
    with transaction(lake):
        ensure_landing(lake)
    limit_rows_in_memory(lake)
    # With compression level 1, a batch is written in two thirds of the time that the default level takes. The files are
    # hardly larger.
    _set(lake, CATALOG_LANDING, "parquet_compression_level", 1)
    _set(lake, CATALOG_LANDING, FINISHED_OPTION, "zstd")


def create_marts(lake: duckdb.DuckDBPyConnection) -> None:
    """Prepare the catalog whose tables dbt creates."""
    _set(lake, CATALOG_MARTS, "data_inlining_row_limit", 0)
    _set(lake, CATALOG_MARTS, FINISHED_OPTION, "zstd")


def ensure_landing(lake: duckdb.DuckDBPyConnection) -> None:
    """
    Create missing landing tables, and add columns that are new in v1 of the contract.

    Columns are never removed, and their types never change. Such changes would need a v2 of the contract.
    """
    existing = _columns(lake)
    for name in landing_tables():
        _ensure(lake, name, existing[name])


def ensure_table(lake: duckdb.DuckDBPyConnection, name: str) -> None:
    """Create one landing table if it is missing; otherwise add the columns that it lacks."""
    _ensure(lake, name, _columns(lake)[name])


def _ensure(lake: duckdb.DuckDBPyConnection, name: str, existing: set[str]) -> None:
    table = landing_tables()[name]
    if not existing:
        columns = ", ".join(f'"{column}" {_type(table, column)}' for column in table.columns)
        lake.execute(f"CREATE TABLE landing.main.{name} ({columns})")
        return
    for column in table.columns.keys() - existing:
        lake.execute(f'ALTER TABLE landing.main.{name} ADD COLUMN "{column}" {_type(table, column)}')
        log.info("column_added", table=name, column=column)


def limit_rows_in_memory(lake: duckdb.DuckDBPyConnection) -> None:
    """Make sure that few rows of whole records are written at once. The landing tables must have been committed."""
    limited = {
        scope
        for (scope,) in lake.execute(
            "SELECT scope_entry FROM landing.options() WHERE option_name = 'parquet_row_group_size'"
        ).fetchall()
    }
    for name in _WHOLE_RECORDS:
        if f"main.{name}" not in limited:
            lake.execute(
                f"CALL landing.set_option('parquet_row_group_size', {_ROWS_IN_MEMORY}, table_name => '{name}')"
            )


def _columns(lake: duckdb.DuckDBPyConnection) -> defaultdict[str, set[str]]:
    """Return the columns of each landing table: of all at once, because each such query takes some 30 ms."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    rows = lake.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'landing' AND schema_name = 'main'"
    )
    for table, column in rows.fetchall():
        found[table].add(column)
    return found


def _type(table: Table, column: str) -> str:
    return sql_type(table.columns[column].type)


def _set(lake: duckdb.DuckDBPyConnection, catalog: str, option: str, value: object) -> None:
    lake.execute(f"CALL {catalog}.set_option('{option}', '{value}')")
