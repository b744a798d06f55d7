"""
An in-memory lake for the check. The lander's own code fills it, and dbt's compiled SQL builds the marts in it.

The check needs no broker, no catalog database and no dbt process, because these do not affect the counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

import duckdb

from streams.contracts import Rejected
from streams.contracts.columns import EVENT_COLUMNS, QUARANTINE_COLUMNS
from streams.contracts.landing import landing_tables
from streams.errors import ContractRefused
from streams.land.batch import Batch
from streams.rules.compiled import CompiledRules
from streams.rules.run_tables import RUN_TABLES
from streams.simulate.facts import Record
from streams.times import naive

__all__ = ["MART", "Counted", "MemoryLake", "counted"]

MART = "mart_published_measures"

_POPULATION = "marts.reference.la_population"
_COUNTED = """
    SELECT published_table, measure, "value", mid_year
    FROM marts.analytics.mart_published_measures
    WHERE authority_code = ? AND collection_year = ?
"""


# This statement says that the imagined records are complete: for the counted years, and for the years before, which the
# figures also need.
_COVERED = """
    INSERT INTO landing.main.coverage BY NAME
    SELECT DISTINCT
        $until::TIMESTAMP AS stated_at, authority_code AS statement_id, 'stated' AS change, authority_code,
        '*' AS source, ['social_care'] AS kinds, $until::DATE - INTERVAL 4 YEARS AS covers_from,
        NULL::DATE AS covers_to, true AS is_whole
    FROM landing.main.events
"""


class Counted(NamedTuple):
    """A figure that the models counted. `mid_year` is the year of the population with which its rate was calculated."""

    value: float | None
    mid_year: int | None


class MemoryLake:
    """A database in memory. It is filled anew for each authority and year."""

    def __init__(self, compiled: CompiledRules, max_record_bytes: int) -> None:
        self._max_record_bytes = max_record_bytes
        self._models = [compiled.models[name] for name in compiled.above([MART])]
        self._duckdb = duckdb.connect(config={"threads": 1})
        run = self._duckdb.execute
        run("SET TimeZone = 'UTC'; ATTACH ':memory:' AS landing; ATTACH ':memory:' AS marts")
        run(RUN_TABLES)
        coverage = {name: column.type for name, column in landing_tables()["coverage"].columns.items()}
        for table, columns in {
            "events": EVENT_COLUMNS,
            "quarantine": QUARANTINE_COLUMNS,
            "coverage": coverage,
        }.items():
            self._duckdb.register("shape", _empty(columns))
            run(f"CREATE TABLE landing.main.{table} AS FROM shape")
        self._copy_seeds(compiled)
        for model in compiled.models.values():
            run(f"CREATE SCHEMA IF NOT EXISTS {model.relation.rpartition('.')[0]}")
            if model.is_static:
                run(f"CREATE TABLE {model.relation} AS {model.sql}")
        self._population = run(f"FROM {_POPULATION}").to_arrow_table()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._duckdb.close()

    def land(self, records: Iterable[Record], received_at: datetime) -> None:
        """
        Validate records against the contract, and replace the contents of the landing tables with them.

        Raises:
            ContractRefused: the contract rejects a record.
        """
        batch = Batch(self._max_record_bytes)
        for topic, together in _by_topic(records).items():
            arrived = [
                SimpleNamespace(
                    topic=topic,
                    partition=0,
                    offset=offset,
                    timestamp=int(received_at.timestamp() * 1000),
                    key=record.key,
                    value=record.value,
                    headers=[],
                )
                for offset, record in enumerate(together)
            ]
            batch.add(topic, 0, arrived)
        _must_be_accepted(batch.rejected)
        self._duckdb.execute("DELETE FROM landing.main.events")
        for name, rows in batch.tables(received_at).items():
            self._duckdb.register("batch", rows)
            self._duckdb.execute(f"INSERT INTO landing.main.{name} BY NAME FROM batch")
            self._duckdb.unregister("batch")

    def populate(self, authority: str, mid_year: int, children: int | None) -> None:
        """
        Replace the population in the seed with the number of children from a file. With None, keep the population in
        the seed.
        """
        run = self._duckdb.execute
        self._duckdb.register("seeded", self._population)
        run(f"CREATE OR REPLACE TABLE {_POPULATION} AS FROM seeded")
        if children is not None:
            run(f"DELETE FROM {_POPULATION} WHERE authority_code = ?", [authority])
            run(f"INSERT INTO {_POPULATION} VALUES (?, ?, ?)", [authority, mid_year, children])

    def build(self, as_of: datetime) -> None:
        """Run the compiled SQL of all models that the figures need, in dependency order."""
        self._duckdb.execute("DELETE FROM marts.run.as_of")
        self._duckdb.execute("INSERT INTO marts.run.as_of VALUES (?)", [naive(as_of)])
        self._duckdb.execute("DELETE FROM landing.main.coverage")
        self._duckdb.execute(_COVERED, {"until": naive(as_of)})
        for model in self._models:
            self._duckdb.execute(f"CREATE OR REPLACE TABLE {model.relation} AS {model.sql}")

    def counted(self, authority: str, year: int) -> dict[tuple[str, str], Counted]:
        """Return the figures that the models counted, by table and measure."""
        return counted(self._duckdb, authority, year)

    def _copy_seeds(self, compiled: CompiledRules) -> None:
        run = self._duckdb.execute
        run(f"ATTACH '{compiled.seeds}' AS seeds (READ_ONLY)")
        tables = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'seeds'"
        for schema, table in run(tables).fetchall():
            run(f'CREATE SCHEMA IF NOT EXISTS marts."{schema}"')
            run(f'CREATE TABLE marts."{schema}"."{table}" AS FROM seeds."{schema}"."{table}"')
        run("DETACH seeds")


def counted(lake: duckdb.DuckDBPyConnection, authority: str, year: int) -> dict[tuple[str, str], Counted]:
    """Read the figures of an authority and year from a lake, by table and measure."""
    rows = lake.execute(_COUNTED, [authority, year]).fetchall()
    return {(table, measure): Counted(value, mid_year) for table, measure, value, mid_year in rows}


def _must_be_accepted(refused: Sequence[Rejected]) -> None:
    if refused:
        first = refused[0]
        raise ContractRefused(
            f"{len(refused)} events were rejected; the first is {first.topic} offset {first.offset}: {first.reason} "
            f"at {first.path}; allowed: {first.allowed}"
        )


def _by_topic(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.topic].append(record)
    return found


def _empty(columns: Mapping[str, Any]) -> object:
    import pyarrow as pa

    return pa.schema(list(columns.items())).empty_table()
