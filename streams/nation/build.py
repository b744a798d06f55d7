"""
`./caf build --engine spark`: make one build of the marts, and let Spark make the tables of the shards.

The snapshot, seeds, tests and publication are the same as in a normal build. Only the statements that work on one
connected group of families at a time run on Spark.
"""

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import structlog

from streams.lake.one_row import one_row
from streams.marts.build_log import BuildResult
from streams.marts.builder import Builder, Holds
from streams.marts.statements import repeat
from streams.marts.warm_builder import WarmBuilder
from streams.marts.work_folder import work_folder
from streams.nation.levels import levels
from streams.nation.plan import split, write_plan
from streams.nation.run import ShardsMade, run
from streams.nation.tasks import table_source
from streams.rules.compiled import DBT_PROJECT
from streams.settings import Settings
from streams.stack import spark
from streams.stack.processes import Say

__all__ = ["NationMaker", "build_on_spark", "rule_scopes"]

log = structlog.get_logger()

_NOT_OF_MODELS = ["main", "information_schema", "pg_catalog", "reference", "run", "before"]

_EVENTS = "SELECT count(*) FROM landing.main.events"


def build_on_spark(
    settings: Settings,
    *,
    master: str,
    holds: Holds | None = None,
    full: bool = False,
    fresh_seconds: float = 60.0,
    say: Say = print,
) -> BuildResult:
    """
    Build the marts once on Spark, up to one snapshot. If another process is building, wait until it has finished.

    Args:
        settings: where the lake is, and where Spark's environment is.
        master: Spark's master, for example `local[2]` or `spark://host:7077`.
        holds: a function that returns the holds on the marts. If there are any, nothing is built, and the last good
            marts stay.
        full: also load the seeds and run the unit tests.
        fresh_seconds: the highest allowed age of the watcher's heartbeat. The watermark of an older heartbeat is not
            used.
        say: a function that prints messages about progress.

    Raises:
        SettingInvalid: `master` is not a Spark master.
        SparkUnavailable: Spark or Java is missing, or the master does not answer.
        RulesInvalid: it cannot be determined where a model must be made (`streams.nation.levels`).
        MartsHeld: a batch-level expectation holds the marts.
        BuildFailed: a model, a shard or a test failed. Nothing was published.
        LakeUnavailable: the lake does not answer.
    """
    spark.check_master(master)
    spark.python(settings, say)
    warm = NationMaker(settings, master, say)
    with warm.working(), Builder(settings, holds=holds, fresh_seconds=fresh_seconds, warm=warm) as builder:
        return builder.build(full=full)


class NationMaker(WarmBuilder):
    """Makes the tables of the shards on Spark. Then makes the tables of the whole nation from them in this process."""

    def __init__(self, settings: Settings, master: str, say: Say) -> None:
        super().__init__(settings)
        self._settings = settings
        self._master = master
        self._say = say
        self._folder: Path | None = None
        self.made: ShardsMade | None = None
        """The result of the last Spark job."""
        self.nation_seconds = 0.0
        """How many seconds this process took to make the tables of the whole nation."""

    @contextmanager
    def working(self) -> Iterator[None]:
        """
        Keep the files of the shards while their tables are read, and then delete the files.

        The files contain ids of families.
        """
        parent = Path(self._settings.spark_folder or self._settings.home / "nation")
        with work_folder(parent, "build-") as self._folder:
            try:
                yield
            finally:
                if self.made is not None:
                    _forget(self._dbt.session())

    def _make_anew(self, without: set[str]) -> list[str]:
        if failed := self._dbt.build(without={*without, "model", "test"}):
            return failed
        session = self._dbt.session()
        parts = split(self._dbt.compiled(), levels(self._dbt.manifest(), rule_scopes()))
        _forget(session)
        if failure := repeat(session, parts.static, None):
            return [failure.unique_id]
        (events,) = one_row(session.execute(_EVENTS))
        assert self._folder is not None, "`working` has made it"
        plan = write_plan(
            session,
            parts,
            self._folder,
            shard_events=self._settings.spark_shard_events,
            events=events,
            is_here=_is_here(self._master),
        )
        self.made = run(self._settings, plan, self._master, self._say)
        log.info("shards_made", **{name: value for name, value in vars(self.made).items() if name != "seconds"})
        for one in (parts.staged, *parts.early, *parts.shard):
            source = table_source({"folder": str(self._folder)}, {"relation": one.relation})
            session.execute(f"CREATE SCHEMA IF NOT EXISTS {one.relation.rpartition('.')[0]}")
            session.execute(f"CREATE OR REPLACE VIEW {one.relation} AS FROM {source}")
        self._say(f"{self.made.shards:,} shards are made. Now the tables of the whole nation …")
        began = time.monotonic()
        failure = repeat(session, parts.nation, None)
        self.nation_seconds = time.monotonic() - began
        if failure:
            return [failure.unique_id]
        return [] if "test" in without else self._dbt.build(without={"seed", "model", "unit_test"})


def _forget(session: duckdb.DuckDBPyConnection) -> None:
    """
    Drop the tables and views that models have made in this session.

    They must be dropped, because the next build may make a view with the name of an earlier table.
    """
    found = session.execute(
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'marts' AND NOT list_contains($1, schema_name)",
        [_NOT_OF_MODELS],
    ).fetchall()
    for (schema,) in found:
        session.execute(f'DROP SCHEMA marts."{schema}" CASCADE')


def rule_scopes() -> dict[str, str]:
    """Return the scope of each rule, from the register of rules."""
    with (DBT_PROJECT / "seeds" / "rules.csv").open(newline="") as file:
        return {line["rule"]: line["scope"] for line in csv.DictReader(file)}


def _is_here(master: str) -> bool:
    """Return True if the workers run on this machine, so that they can reach the driver at the loopback address."""
    return master.startswith("local") or urlsplit(master).hostname in {"127.0.0.1", "localhost"}
