"""
The tasks that Spark runs. They run the build's statements on one shard each, in an in-memory DuckDB of their own.

Spark sends the functions of this module to its workers, but not the rest of the project. So the module imports nothing
from the project. Error messages leave out the database's own message, because it may quote data from records.
"""

import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa

__all__ = [
    "FILES",
    "ShardFailed",
    "connect_families",
    "escaped",
    "gather",
    "make",
    "needed_columns",
    "number",
    "one_row",
    "read_landed",
    "schema_and_name",
    "session",
    "table_file",
    "table_source",
    "write",
]

Plan = dict[str, Any]

FILES = "data string, deleted string, key string, deleted_key string"
"""
The columns of the table of files, in their order: a file of the lake, the file that lists its deleted rows, and the
keys of both.
"""

_LANDED = "landing.main.events"


class ShardFailed(Exception):
    """A statement failed on a shard. The message names the statement and leaves out the database's own message."""


def one_row(result: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    """Return the next row of a result that must have one. Other modules use `streams.lake.one_row` for this."""
    row = result.fetchone()
    assert row is not None, "the statement always gives a row"
    return row


def session(plan: Plan) -> duckdb.DuckDBPyConnection:
    """Make an in-memory DuckDB: `marts` has the tables from the plan, and `landing` has an empty table of events."""
    found = duckdb.connect(config={"threads": 1, "temp_directory": tempfile.gettempdir()})
    found.execute("SET TimeZone = 'UTC'; ATTACH ':memory:' AS landing; ATTACH ':memory:' AS marts")
    found.execute(f"ATTACH '{escaped(plan['given'])}' AS given (READ_ONLY)")
    found.execute(f"CREATE TABLE {_LANDED} ({plan['landing']})")
    tables = found.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'given'"
    ).fetchall()
    for schema, table in tables:
        found.execute(f"CREATE SCHEMA IF NOT EXISTS marts.{schema}")
        found.execute(f"CREATE VIEW marts.{schema}.{table} AS FROM given.{schema}.{table}")
    for one in (plan["staged"], *plan["early"], *plan["shard"]):
        found.execute(f"CREATE SCHEMA IF NOT EXISTS marts.{schema_and_name(one)[0]}")
    return found


def schema_and_name(statement: dict[str, Any]) -> tuple[str, str]:
    """Return schema and name of the table that a statement makes."""
    _, schema, name = statement["relation"].replace('"', "").split(".")
    return schema, name


def needed_columns(plan: Plan) -> list[str]:
    """Find the columns of landed events that the shards' statements read, from DuckDB's query plans."""
    with session(plan) as empty:
        # Without this setting, DuckDB would make a different plan because the table is empty.
        empty.execute("SET disabled_optimizers = 'statistics_propagation'")
        found: set[str] = set()
        for one in [plan["staged"], *plan["early"], *plan["shard"]]:
            _, planned = one_row(empty.execute(f"EXPLAIN (FORMAT JSON) {one['sql']}"))
            found |= set(_projected(planned))
            empty.execute(one["sql"])
    return sorted(found)


def _projected(text: str) -> Iterator[str]:
    pending = json.loads(text)
    while pending:
        node = pending.pop()
        pending += node["children"]
        about = node.get("extra_info", {})
        if "Table" in about and about["Table"].endswith(_LANDED):
            columns = about["Projections"]
            yield from [columns] if isinstance(columns, str) else columns


def connect_families(plan: Plan, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """For each key, find the other ids that its records name, and count its records by authority."""
    named = [f"list_filter([{', '.join(plan['one'])}], lambda one: one IS NOT NULL)", *plan["several"]]
    everybody = " || ".join(f"coalesce({part}, [])" for part in named)
    for landed in _files(plan, batches, ["record_key", "authority_code", *plan["one"], *plan["several"]]):
        yield from landed.execute(
            f"""
            SELECT record_key, NULL::VARCHAR AS other, authority_code, count(*) AS records
            FROM {_LANDED} GROUP BY ALL
            UNION ALL
            SELECT DISTINCT record_key, other, NULL, 0
            FROM (SELECT record_key, unnest({everybody}) AS other FROM {_LANDED}) WHERE other <> record_key
            """
        ).to_arrow_reader()


def read_landed(plan: Plan, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read the landed records of the given files. Only the needed columns are read."""
    for landed in _files(plan, batches, plan["columns"]):
        yield from landed.execute(f"SELECT {_names(plan['columns'])} FROM {_LANDED}").to_arrow_reader(50_000)


def gather(plan: Plan, shard: int, records: pa.Table) -> pa.Table:
    """Write the records of a shard to a file, and return the columns that decide the order of its events."""
    with _named(shard), session(plan) as own:
        own.register("records", records)
        own.execute(f"INSERT INTO {_LANDED} BY NAME SELECT {_names(plan['columns'])} FROM records")
        write(own, f"SELECT {_names(plan['columns'])} FROM {_LANDED}", _landed_file(plan, shard))
        own.execute(plan["staged"]["sql"])
        return own.execute(
            f"SELECT {shard}::INTEGER AS shard, {plan['order']} FROM {plan['staged']['relation']}"
        ).to_arrow_table()


def number(plan: Plan, shard: int, ordered: pa.Table) -> pa.Table:
    """Write a shard's events in force to a file, each with its number in the order of all events."""
    with _named(shard), session(plan) as own:
        _load(own, plan, shard)
        own.execute(plan["staged"]["sql"])
        own.register("ordered", ordered)
        relation = plan["staged"]["relation"]
        compared = own.execute(
            f"SELECT (SELECT count(*) FROM {relation}) - count(*) "
            f"FROM {relation} INNER JOIN ordered USING ({plan['event']})"
        )
        (lost,) = one_row(compared)
        if lost or len(ordered) != one_row(own.execute(f"SELECT count(*) FROM {relation}"))[0]:
            raise ShardFailed(f"shard {shard}: its events are not the ones that were sorted")
        numbered = (
            f"SELECT events.* REPLACE (ordered.event_order AS event_order) FROM {relation} AS events "
            f"INNER JOIN ordered USING ({plan['event']}) ORDER BY event_order"
        )
        write(own, numbered, table_file(plan, plan["staged"], str(shard)))
    return pa.table({"shard": pa.array([shard], pa.int32())})


def make(plan: Plan, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """
    Make all tables of the given shards.

    For each shard, return how many seconds it took, and the peak memory of this process so far.
    """
    for batch in batches:
        for shard in batch.column("shard").to_pylist():
            began = time.monotonic()
            events = _make_one(plan, shard)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            yield pa.RecordBatch.from_pydict(
                {
                    "shard": pa.array([shard], pa.int32()),
                    "events": pa.array([events], pa.int64()),
                    "seconds": pa.array([time.monotonic() - began], pa.float64()),
                    "peak_mb": pa.array([peak], pa.int64()),
                }
            )


def _make_one(plan: Plan, shard: int) -> int:
    with _named(shard), session(plan) as own:
        _load(own, plan, shard)
        staged = plan["staged"]["relation"]
        own.execute(
            f"CREATE TABLE {staged} AS FROM read_parquet('{escaped(table_file(plan, plan['staged'], str(shard)))}')"
        )
        for one in plan["shard"]:
            try:
                own.execute(one["sql"])
            except duckdb.Error as error:
                raise ShardFailed(f"shard {shard}: {one['unique_id']} failed ({type(error).__name__})") from None
            write(own, f"FROM {one['relation']}", table_file(plan, one, str(shard)))
        events: int = one_row(own.execute(f"SELECT count(*) FROM {staged}"))[0]
        return events


def write(own: duckdb.DuckDBPyConnection, select: str, file: Path) -> None:
    """
    Write a Parquet file under a temporary name and then rename it, so that no reader sees an incomplete file.

    If Spark repeats a task, the same file is written again.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{uuid4().hex}")
    own.execute(f"COPY ({select}) TO '{escaped(unfinished)}' (FORMAT parquet, COMPRESSION zstd)")
    unfinished.replace(file)


def table_file(plan: Plan, statement: dict[str, Any], part: str) -> Path:
    """Return the file of one part of a table."""
    return Path(plan["folder"], "tables", ".".join(schema_and_name(statement)), f"{part}.parquet")


def table_source(plan: Plan, statement: dict[str, Any]) -> str:
    """Return the SQL that reads all parts of a table."""
    folder = table_file(plan, statement, "").parent
    return f"read_parquet('{escaped(folder)}/*.parquet')"


def _landed_file(plan: Plan, shard: int) -> Path:
    return Path(plan["folder"], "landed", f"{shard}.parquet")


def _load(own: duckdb.DuckDBPyConnection, plan: Plan, shard: int) -> None:
    own.execute(f"INSERT INTO {_LANDED} BY NAME FROM read_parquet('{escaped(_landed_file(plan, shard))}')")


def _files(plan: Plan, batches: Iterator[pa.RecordBatch], columns: list[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """
    For each file of the lake, yield a DuckDB session that has the file's records, except deleted ones.

    If the file lacks a column, the column is NULL.
    """
    for batch in batches:
        for data, deleted, key, deleted_key in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            with _named(f"of file {Path(data).name}"), session(plan) as own:
                source = _lake_file(data, key, "file_row_number = true")
                has = {name for (name, *_) in own.execute(f"DESCRIBE FROM {source}").fetchall()}
                gone = (
                    f"WHERE file_row_number NOT IN (SELECT pos FROM {_lake_file(deleted, deleted_key)})"
                    if deleted
                    else ""
                )
                chosen = _names([name for name in columns if name in has])
                own.execute(f"INSERT INTO {_LANDED} BY NAME SELECT {chosen} FROM {source} {gone}")
                yield own


def _lake_file(file: str, key: str | None, *options: str) -> str:
    """Return the SQL that reads a file of the lake. `key` is its key in Base64, or None if it is not encrypted."""
    opened = [f"encryption_config = {{footer_key_value: from_base64('{key}')}}"] if key else []
    arguments = ", ".join([f"'{escaped(file)}'", *options, *opened])
    return f"read_parquet({arguments})"


@contextmanager
def _named(shard: object) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:
        raise ShardFailed(f"shard {shard} failed ({type(error).__name__})") from None


def _names(columns: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def escaped(text: object) -> str:
    """Return the text for use within the quotes of a string literal."""
    return str(text).replace("'", "''")
