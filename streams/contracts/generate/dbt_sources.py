"""The dbt source file: the landing lake, and the snapshot that a build reads."""

from typing import Any

import pyarrow as pa
import yaml

from streams import names
from streams.contracts.landing import Column, Table, landing_tables, sql_type

__all__ = ["dbt_sources"]

_RUN = {
    "cut": Table(
        "Where the build stops reading: it ignores events at or beyond `next_offset` of their partition.",
        {
            "topic": Column(pa.string(), "Topic of the events.", required=True),
            "kafka_partition": Column(pa.int32(), "Partition; one that is absent here has no limit.", required=True),
            "next_offset": Column(pa.int64(), "First offset that the build ignores.", required=True),
        },
    ),
    "as_of": Table(
        "The time of the build, in one row. It decides which deadlines have passed.",
        {"as_of": Column(pa.timestamp("us"), "Deadlines before this time have passed (UTC).", required=True)},
    ),
}


def dbt_sources(preamble: str) -> str:
    """Return the text of the dbt source file. `preamble` is its first comment."""
    sources = [
        _source("landing", names.CATALOG_LANDING, "main", "What `land` stored, as it arrived.", landing_tables()),
        _source("run", names.CATALOG_MARTS, "run", "What `build` decides before it runs dbt.", _RUN),
    ]
    document = {"version": 2, "sources": sources}
    return f"# {preamble}\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _source(name: str, database: str, schema: str, description: str, tables: dict[str, Table]) -> dict[str, Any]:
    return {
        "name": name,
        "database": database,
        "schema": schema,
        "description": description,
        "tables": [_table(table_name, table) for table_name, table in tables.items()],
    }


def _table(name: str, table: Table) -> dict[str, Any]:
    columns = [
        {"name": column_name, "data_type": sql_type(column.type), "description": column.description}
        for column_name, column in table.columns.items()
    ]
    return {"name": name, "description": table.description, "columns": columns}
