"""
The Spark job: `python -m streams.nation.job PLAN MASTER`, in Spark's own environment.

1. Find the connected groups of families, and the shard of each record.
2. Write the records of each shard to one file, and return the columns that decide the order of its events.
3. Sort all events into one order.
4. Write each shard's events in force, with their numbers in this order. Then make the tables of the whole nation that
   shards read (`early`).
5. Make all tables of each shard.

The job prints one JSON object on each line: its progress, and at the end its result or its error.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark import cloudpickle
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.pandas.types import from_arrow_schema

from streams.nation import tasks
from streams.nation.components import cut_into_shards
from streams.nation.telling import fail, say, sentence, told

__all__ = ["main"]

_SHARD = re.compile(r"ShardFailed: ([^\n]+)")

_EDGES = "record_key string, other string, authority_code string, records long"
_MADE = "shard int, events long, seconds double, peak_mb long"


def main(plan_file: str, master: str) -> int:
    """Run the plan, and return the exit code."""
    plan = json.loads(Path(plan_file).read_text())
    cloudpickle.register_pickle_by_value(tasks)
    try:
        spark = _spark(plan, master)
    except Exception as error:  # noqa: BLE001 - a JVM that fails to start can raise many types of errors
        return fail(f"Spark cannot be started ({type(error).__name__})")
    try:
        say(result=Job(spark, plan).run())
    except (PySparkException, Py4JError, tasks.ShardFailed, duckdb.Error) as error:
        found = _SHARD.search(f"{type(error).__name__}: {error}")
        return fail(found.group(1) if found else sentence(error))
    finally:
        spark.stop()
    return 0


def _spark(plan: dict[str, Any], master: str) -> SparkSession:
    # A cluster repeats failed tasks. A local master does so only if its URL contains the number of attempts.
    local = re.fullmatch(r"local(?:\[(\d+|\*)\])?", master)
    builder = SparkSession.builder.master(f"local[{local.group(1) or 1},4]" if local else master)
    settings = {
        "spark.app.name": "caf build",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        # Each group that Spark passes to a task is a whole shard, so joining or splitting partitions would not help.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": str(plan["partitions"]),
        "spark.log.level": "ERROR",
        **({"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"} if plan["is_here"] else {}),
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


class Job:
    """The steps of one run. The driver does its own calculations in a DuckDB file."""

    def __init__(self, spark: SparkSession, plan: dict[str, Any]) -> None:
        self._spark = spark
        self._folder = Path(plan["folder"])
        self._files = plan["files"]
        self._plan = {**plan, "files": [], "columns": tasks.needed_columns(plan)}
        self._staged: str = plan["staged"]["relation"]
        self._seconds: dict[str, float] = {}

    def run(self) -> dict[str, Any]:
        """
        Run all steps, and return how long they took and how large the shards were.

        Raises:
            tasks.ShardFailed: a statement of the driver failed.
            PySparkException: a task failed at all its attempts.
        """
        with self._step("which families belong together"):
            sizes = self._cut()
        with self._step("records into shards"):
            self._gather()
        with self._step("the order of events"):
            offsets = self._order()
        with self._step("events in force"):
            self._number(offsets)
            self._make_early()
        with self._step("tables of the shards"):
            made = self._make(len(sizes))
        self._make_empty()
        return {
            "shards": len(sizes),
            "events": sum(one.events for one in made),
            "largest_records": max(sizes, default=0),
            "slowest_seconds": round(max((one.seconds for one in made), default=0.0), 2),
            "shard_seconds": round(sum(one.seconds for one in made), 2),
            "peak_mb": max((one.peak_mb for one in made), default=0),
            "seconds": self._seconds,
        }

    def _cut(self) -> list[int]:
        edges = self._each_file(tasks.connect_families, _EDGES)
        edges = edges.groupBy("record_key", "other", "authority_code").agg(f.sum("records").alias("records"))
        edges.write.parquet(self._path("edges"))
        with duckdb.connect(self._path("cut.duckdb")) as own:
            own.execute(f"CREATE VIEW connected AS FROM read_parquet('{tasks.escaped(self._path('edges'))}/*.parquet')")
            places = cut_into_shards(own, self._plan["shard_events"])
            tasks.write(own, places, Path(self._path("places.parquet")))
            rows = own.execute("SELECT sum(records)::BIGINT FROM shards GROUP BY shard ORDER BY shard").fetchall()
            (landed,) = tasks.one_row(own.execute("SELECT coalesce(sum(records), 0) FROM connected"))
        if (lost := landed - sum(records for (records,) in rows)) != 0:
            raise tasks.ShardFailed(f"{lost:,} records have no key, and so no shard")
        return [records for (records,) in rows]

    def _gather(self) -> None:
        with tasks.session(self._plan) as empty:
            names = ", ".join(f'"{name}"' for name in self._plan["columns"])
            landed = empty.execute(f"SELECT {names} FROM landing.main.events").to_arrow_table().schema
            empty.execute(self._plan["staged"]["sql"])
            keys = empty.execute(f"SELECT 0::INTEGER AS shard, {self._plan['order']} FROM {self._staged}")
            keys = keys.to_arrow_table().schema
        records = self._each_file(tasks.read_landed, from_arrow_schema(landed, prefer_timestamp_ntz=True))
        placed = records.join(self._spark.read.parquet(self._path("places.parquet")), "record_key")
        gathered = placed.groupBy("shard").applyInArrow(
            _keyed(tasks.gather, self._plan), from_arrow_schema(keys, prefer_timestamp_ntz=True)
        )
        gathered.write.parquet(self._path("unordered"))

    def _order(self) -> list[tuple[int, int]]:
        """Sort all events. For each part of the sorted data, return its number, and how many events come before it."""
        order = [f.col(name.strip()).asc_nulls_last() for name in self._plan["order"].split(",")]
        ordered = self._spark.read.parquet(self._path("unordered")).orderBy(*order)
        ordered.withColumn("place", f.monotonically_increasing_id()).write.parquet(self._path("ordered"))
        counted = self._spark.read.parquet(self._path("ordered")).groupBy(_part().alias("part")).count().collect()
        offsets, before = [], 0
        for part, events in sorted(counted):
            offsets.append((part, before))
            before += events
        return offsets

    def _number(self, offsets: list[tuple[int, int]]) -> None:
        before = self._spark.createDataFrame(offsets, "part long, before long")
        ordered = self._spark.read.parquet(self._path("ordered")).withColumn("part", _part())
        rank = f.col("before") + f.col("place").bitwiseAND(_PLACES - 1) + 1
        numbered = ordered.join(f.broadcast(before), "part").withColumn("event_order", rank * self._plan["gap"])
        numbered = numbered.select("shard", *map(str.strip, self._plan["event"].split(",")), "event_order")
        numbered.groupBy("shard").applyInArrow(_keyed(tasks.number, self._plan), "shard int").collect()

    def _make_early(self) -> None:
        """Make the tables of the whole nation that shards read. Pass these tables and the seeds to the shards."""
        staged = self._plan["staged"]
        with tasks.session(self._plan) as own:
            own.execute(staged["sql"])
            tasks.write(own, f"FROM {self._staged}", tasks.table_file(self._plan, staged, "none"))
            own.execute(f"DROP TABLE {self._staged}")
            own.execute(f"CREATE VIEW {self._staged} AS FROM {tasks.table_source(self._plan, staged)}")
            given = Path(self._plan["given"]).with_name("given-early.duckdb")
            given.write_bytes(Path(self._plan["given"]).read_bytes())
            own.execute(f"ATTACH '{tasks.escaped(given)}' AS early")
            for one in self._plan["early"]:
                own.execute(one["sql"])
                schema, name = tasks.schema_and_name(one)
                own.execute(f"CREATE SCHEMA IF NOT EXISTS early.{schema}")
                own.execute(f"CREATE TABLE early.{schema}.{name} AS FROM {one['relation']}")
                tasks.write(own, f"FROM {one['relation']}", tasks.table_file(self._plan, one, "all"))
            own.execute("DETACH early")
        self._plan["given"] = str(given)

    def _make(self, shards: int) -> list[Any]:
        numbers = self._spark.createDataFrame([(number,) for number in range(shards)], "shard int")
        numbers = numbers.repartition(max(shards, 1))
        with told(self._spark, "shards", shards):
            made: list[Any] = numbers.mapInArrow(partial(tasks.make, self._plan), _MADE).collect()
            return made

    def _make_empty(self) -> None:
        """Write an empty part of every table, because a table must exist even if no shard has rows for it."""
        with tasks.session(self._plan) as own:
            own.execute(self._plan["staged"]["sql"])
            for one in self._plan["shard"]:
                own.execute(one["sql"])
                tasks.write(own, f"FROM {one['relation']}", tasks.table_file(self._plan, one, "none"))

    def _each_file(self, task: Any, schema: Any) -> DataFrame:
        listed = self._spark.createDataFrame(self._files, tasks.FILES)
        parts = max(1, min(len(self._files), self._plan["partitions"]))
        return listed.repartition(parts).mapInArrow(partial(task, self._plan), schema)

    def _path(self, name: str) -> str:
        return str(self._folder / name)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        say(step=name)
        began = time.monotonic()
        yield
        self._seconds[name] = round(time.monotonic() - began, 2)


_PLACES = 2**33
"""
In Spark's function `monotonically_increasing_id`, the numbers of each partition of the data begin at a multiple of this
number.
"""


def _part() -> Any:
    return f.shiftright("place", 33)


def _keyed(task: Any, plan: dict[str, Any]) -> Any:
    """
    Turn a task into a function that Spark can call for a group of rows.

    The task gets the shard's number as an argument.
    """

    def run(key: tuple[pa.Scalar, ...], table: pa.Table) -> pa.Table:
        return task(plan, key[0].as_py(), table.drop_columns(["shard"]))

    return run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
