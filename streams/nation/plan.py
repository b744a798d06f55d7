"""
Write the plan for the Spark job: a folder with the statements, the seeds, and the list of the lake's files.

The job runs in a separate Python environment, without dbt, the catalog or the contract. So the plan contains everything
that the job needs.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from streams.contracts.landing import landing_tables, sql_type
from streams.contracts.subjects import subjects
from streams.errors import BuildFailed
from streams.lake.quoted import quoted
from streams.marts.order import EVENT, GAP, ORDER
from streams.marts.statements import Statement
from streams.nation.levels import Level

__all__ = ["Split", "lake_files", "split", "write_plan"]

_FEWEST_PARTITIONS = 4
_MOST_PARTITIONS = 4_000

_STAGED = "root"
"""The value of `grows_by` in the model `stg_events`."""


@dataclass(frozen=True)
class Split:
    """
    The statements of the models, grouped by where they run.

    In each group, the statements are in dependency order.
    """

    static: list[Statement]
    staged: Statement
    early: list[Statement]
    shard: list[Statement]
    nation: list[Statement]


def split(statements: Sequence[Statement], found: dict[str, Level]) -> Split:
    """
    Divide the statements by where they run.

    The group `early` has the models of the whole nation that shards read. These models are made before the shards, from
    the staged events.

    Raises:
        BuildFailed: shards read a model of the nation that is itself made from the shards' tables.
    """
    ordered = sorted(statements, key=lambda one: list(found).index(one.unique_id))
    by_level = {level: [one for one in ordered if found[one.unique_id] == level] for level in Level}
    (staged,) = (one for one in by_level[Level.SHARD] if one.grows_by == _STAGED)
    asked = {parent for one in by_level[Level.SHARD] for parent in one.parents}
    early = [one for one in by_level[Level.NATION] if one.unique_id in asked]
    known = {staged.unique_id, *(one.unique_id for one in [*by_level[Level.STATIC], *early])}
    for one in early:
        if late := [parent for parent in one.parents if parent.startswith("model.") and parent not in known]:
            raise BuildFailed(f"shards read {one.unique_id}, which is made from their own tables: {', '.join(late)}")
    return Split(
        static=by_level[Level.STATIC],
        staged=staged,
        early=early,
        shard=[one for one in by_level[Level.SHARD] if one is not staged],
        nation=[one for one in by_level[Level.NATION] if one not in early],
    )


def write_plan(
    session: duckdb.DuckDBPyConnection, parts: Split, folder: Path, *, shard_events: int, events: int, is_here: bool
) -> Path:
    """
    Write the plan to an empty folder, and return its file.

    Args:
        session: a session with `landing` attached. In `marts`, it has the seeds, the snapshot and the static models.
        parts: the statements.
        folder: an empty folder that every worker of the cluster can reach under the same path.
        shard_events: the intended number of records in a shard.
        events: the approximate number of records in the lake.
        is_here: True if the workers of the cluster are on this machine.

    Raises:
        BuildFailed: the lake's files cannot be read without DuckLake's catalog.
    """
    _write_given(session, folder / "given.duckdb")
    one, several = subjects()
    plan = {
        "folder": str(folder),
        "given": str(folder / "given.duckdb"),
        "landing": _ddl(),
        "one": one,
        "several": several,
        "event": EVENT,
        "order": ORDER,
        "gap": GAP,
        "shard_events": shard_events,
        "partitions": min(max(events // shard_events, _FEWEST_PARTITIONS), _MOST_PARTITIONS),
        "is_here": is_here,
        "files": lake_files(session),
        "staged": asdict(parts.staged),
        "early": [asdict(one) for one in parts.early],
        "shard": [asdict(one) for one in parts.shard],
    }
    file = folder / "plan.json"
    file.write_text(json.dumps(plan))
    return file


def _write_given(session: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Copy every table of `marts` that does not depend on events."""
    session.execute(f"ATTACH {quoted(file)} AS given")
    try:
        found = session.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "WHERE database_name = 'marts' AND schema_name <> 'before'"
        ).fetchall()
        for schema, table in found:
            session.execute(f"CREATE SCHEMA IF NOT EXISTS given.{schema}")
            session.execute(f"CREATE TABLE given.{schema}.{table} AS FROM marts.{schema}.{table}")
    finally:
        session.execute("DETACH given")


def _ddl() -> str:
    columns = landing_tables()["events"].columns
    return ", ".join(f'"{name}" {sql_type(column.type)}' for name, column in columns.items())


def lake_files(session: duckdb.DuckDBPyConnection) -> list[tuple[str, str | None, str | None, str | None]]:
    """
    Return the Parquet files of the accepted events, as DuckLake lists them now.

    Each file comes with the file that lists its deleted rows, or with None if no row was deleted. The keys of both
    follow, in Base64. They are None if the lake is not encrypted.

    Raises:
        BuildFailed: Spark could not read the files.
    """
    found = session.execute(
        "SELECT data_file, delete_file, to_base64(data_file_encryption_key), to_base64(delete_file_encryption_key) "
        "FROM ducklake_list_files('landing', 'events')"
    ).fetchall()
    if any("://" in data for data, *_ in found):
        raise BuildFailed(
            "the lake's files are in an object store, which a build on Spark does not read; allowed: a folder"
        )
    return found
