"""
The two tables that tell models how far a run reads.

One table contains the offsets up to which models read events. The other contains the time up to which deadlines have
passed.
"""

from collections.abc import Mapping

__all__ = ["RUN_COLUMNS", "RUN_TABLES", "create_run_tables"]

_CUT = {"topic": "VARCHAR", "kafka_partition": "INTEGER", "next_offset": "BIGINT"}
_AS_OF = {"as_of": "TIMESTAMP"}

RUN_COLUMNS: Mapping[str, tuple[str, ...]] = {"marts.run.cut": tuple(_CUT), "marts.run.as_of": tuple(_AS_OF)}
"""The tables under the names that models use, with their columns."""


def create_run_tables(prefix: str = "") -> str:
    """Return the statements that create a run's missing tables. The tables' names begin with `prefix`."""
    tables = {
        name: ", ".join(f"{column} {type_}" for column, type_ in columns.items())
        for name, columns in {"cut": _CUT, "as_of": _AS_OF}.items()
    }
    return "CREATE SCHEMA IF NOT EXISTS marts.run;" + "".join(
        f"CREATE TABLE IF NOT EXISTS marts.run.{prefix}{name} ({columns});" for name, columns in tables.items()
    )


RUN_TABLES = create_run_tables()
