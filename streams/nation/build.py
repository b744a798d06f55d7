"""
`./caf build --engine spark`: one build of the marts whose shards are made on a Spark cluster.

Cut, seeds, tests and publication are those of the plain build; only who runs the statements of connected families is
another.
"""

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import structlog

from streams.marts.build_log import BuildResult
from streams.marts.builder import Builder, Holds
from streams.marts.statements import Statement
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
    Build the marts once, at one cut, on Spark; a build that runs elsewhere is waited for.

    Args:
        settings: where the lake is, and Spark's environment.
        master: Spark's, as `local[2]` or `spark://host:7077`.
        holds: tells what holds the marts; with any hold nothing is built and the last good state stays.
        full: load the seeds and run the unit tests, too.
        fresh_seconds: how old the watcher's heartbeat may be for its cut to be taken.
        say: is told how far it is.

    Raises:
        SettingInvalid: `master` is none.
        SparkUnavailable: Spark, its Java or its master is not there.
        RulesInvalid: of a model it cannot be told where it is made.
        MartsHeld: a batch-level expectation holds the marts.
        BuildFailed: a model, a shard or a test failed; nothing was published.
        LakeUnavailable: the lake does not answer.
    """
    spark.check_master(master)
    spark.python(settings, say)
    warm = NationMaker(settings, master, say)
    with warm.working(), Builder(settings, holds=holds, fresh_seconds=fresh_seconds, warm=warm) as builder:
        return builder.build(full=full)


class NationMaker(WarmBuilder):
    """Makes the shards' tables on Spark, and the nation's of them in this process."""

    def __init__(self, settings: Settings, master: str, say: Say) -> None:
        super().__init__(settings)
        self._settings = settings
        self._master = master
        self._say = say
        self._folder: Path | None = None
        self.made: ShardsMade | None = None
        """What the last job did."""
        self.nation_seconds = 0.0
        """How long the nation's tables took, which are made in this process."""

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep the shards' files, which hold ids of families, for as long as their tables are read."""
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
        if failed := _execute(session, parts.static):
            return failed
        (events,) = session.execute(_EVENTS).fetchone()
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
        self._say(f"{self.made.shards:,} shards are made; adding them up …")
        began = time.monotonic()
        failed = _execute(session, parts.nation)
        self.nation_seconds = time.monotonic() - began
        if failed:
            return failed
        return [] if "test" in without else self._dbt.build(without={"seed", "model", "unit_test"})


def _forget(session: duckdb.DuckDBPyConnection) -> None:
    """Drop what models have made in this process, tables or views: the next build may make the other."""
    found = session.execute(
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'marts' AND NOT list_contains($1, schema_name)",
        [_NOT_OF_MODELS],
    ).fetchall()
    for (schema,) in found:
        session.execute(f'DROP SCHEMA marts."{schema}" CASCADE')


def _execute(session: duckdb.DuckDBPyConnection, statements: list[Statement]) -> list[str]:
    """Run statements; returns the id of one that failed."""
    for one in statements:
        try:
            session.execute(f"CREATE SCHEMA IF NOT EXISTS {one.relation.rpartition('.')[0]}")
            session.execute(one.sql)
        except duckdb.Error as error:
            # Not its words: they may quote a value.
            log.warning("statement_failed", model=one.unique_id, error=type(error).__name__)
            return [one.unique_id]
    return []


def rule_scopes() -> dict[str, str]:
    """The scope of each rule, from the register."""
    with (DBT_PROJECT / "seeds" / "rules.csv").open(newline="") as file:
        return {line["rule"]: line["scope"] for line in csv.DictReader(file)}


def _is_here(master: str) -> bool:
    """Whether the workers are on this machine, and reach the driver at the loopback address."""
    return master.startswith("local") or urlsplit(master).hostname in {"127.0.0.1", "localhost"}
