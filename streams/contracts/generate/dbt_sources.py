"""The dbt source file: the landing lake, and the cut that a build is made at."""

import pyarrow as pa
import yaml

from streams import names
from streams.contracts.landing import Column, Table, landing_tables, sql_type

__all__ = ["dbt_sources"]

_RUN = {
    "cut": Table(
        "Where the build stops reading: events at or beyond `next_offset` of their partition are not seen.",
        {
            "topic": Column(pa.string(), "Topic of the events.", required=True),
            "kafka_partition": Column(pa.int32(), "Partition; one that is absent here is not limited.", required=True),
            "next_offset": Column(pa.int64(), "First offset that is not seen.", required=True),
        },
    ),
    "as_of": Table(
        "The instant of the build, one row: which deadlines have passed.",
        {"as_of": Column(pa.timestamp("us"), "Deadlines before this instant have passed (UTC).", required=True)},
    ),
}


def dbt_sources(preamble: str) -> str:
    """The file's text; `preamble` is its first comment."""
    sources = [
        _source("landing", names.CATALOG_LANDING, "main", "What `land` stored, as it arrived.", landing_tables()),
        _source("run", names.CATALOG_MARTS, "run", "What `build` decides before it runs dbt.", _RUN),
    ]
    document = {"version": 2, "sources": sources}
    return f"# {preamble}\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _source(name: str, database: str, schema: str, description: str, tables: dict[str, Table]) -> dict:
    return {
        "name": name,
        "database": database,
        "schema": schema,
        "description": description,
        "tables": [_table(table_name, table) for table_name, table in tables.items()],
    }


def _table(name: str, table: Table) -> dict:
    columns = [
        {"name": column_name, "data_type": sql_type(column.type), "description": column.description}
        for column_name, column in table.columns.items()
    ]
    return {"name": name, "description": table.description, "columns": columns}
