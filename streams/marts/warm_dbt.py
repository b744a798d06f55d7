"""
Keep dbt warm: import it and parse the project once, then run it again and again in this process.

dbt runs in one thread. When it ran in several threads and wrote through DuckLake, the process crashed. A build with
warm dbt spends only a third of its time on SQL, because dbt renders every macro, model and log line again. But the
statements are the same each time. So they can be repeated without dbt, also by later processes
(`docs/decisions/0009-marts-are-published-whole.md`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import duckdb
import structlog

from streams.errors import BuildFailed
from streams.lake.connect import Access, attach_statements, load_extensions
from streams.lake.quoted import quoted
from streams.lake.renewal import Renewal
from streams.marts.build_database import machine_mb, settle
from streams.marts.catalog import Table
from streams.marts.delta import Delta
from streams.marts.statements import Statement, repeat
from streams.marts.stored_statements import store_statements, stored_statements
from streams.settings import PROJECT, Settings

__all__ = ["WarmDbt", "seeds_checksum"]

log = structlog.get_logger()

_OUT_OF_MEMORY = "Out of Memory Error"

_PROJECT = PROJECT / "dbt_project"


def seeds_checksum() -> str:
    """Return a checksum of all seeds. If it is the same as before, the seeds do not have to be loaded again."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted((_PROJECT / "seeds").iterdir()):
        if path.suffix in {".csv", ".yml"}:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _statement(node: Any, sql: str) -> Statement:
    meta, parents = node.config.meta, tuple(node.depends_on.nodes)
    turns_at = tuple(meta.get("turns_at", ()))
    return Statement(node.unique_id, node.relation_name, sql, parents, meta.get("grows_by"), turns_at)


def _compiled(node: Any) -> Statement:
    return _statement(node, f"CREATE OR REPLACE TABLE {node.relation_name} AS (\n{node.compiled_code}\n)")


def _close_environment() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


_LEAST_OWN_MB = 1_000
"""If no setting limits the memory of a build, the limit is at least this many MB: enough for a million events."""


class WarmDbt:
    """Runs dbt in this process, keeps the parsed project, and builds `marts` in a separate database."""

    def __init__(self, settings: Settings, into: Path | None = None) -> None:
        self._settings = settings
        self._into = into
        self._manifest: Any = None
        self._adapter: Any = None
        self._attached: Any = None
        self._renewal: Renewal | None = None
        self._statements: list[Statement] = []
        self.memory_mb = settings.build_memory_mb or max(_LEAST_OWN_MB, machine_mb() // 4)
        """The memory in MB that a build may use for tables and queries."""
        self._lacked_memory = False
        self.log_folder = settings.home / "dbt" / "logs"
        self._target = settings.home / "dbt" / "target"

    def warm(self) -> None:
        """
        Import dbt and parse the project, unless this has been done.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        if self._manifest is None:
            self._manifest = self._parse()

    def session(self) -> duckdb.DuckDBPyConnection:
        """
        Return a cursor in the build database. It contains `marts`, and has `landing` and `published` attached.

        Raises:
            BuildFailed: the project cannot be parsed.
            LakeUnavailable: the catalog's database does not answer.
        """
        self.warm()
        environment = self._environment()
        if environment is not self._attached:
            # dbt has one environment in a process. It may be that of another lake, so it is not used.
            _close_environment()
            environment = self._environment()
            self._attach(environment.handle().cursor())
            self._attached = environment
            self._renewal = Renewal(self._settings, environment.handle().cursor())
        if self._renewal:
            self._renewal.renew()
        session: duckdb.DuckDBPyConnection = environment.handle().cursor()
        settle(session, self._settings, self.memory_mb)
        return session

    def _environment(self) -> Any:
        """Return dbt's database environment. It stays open when a connection is closed."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        with self._adapter.connection_named("caf"):
            _ = self._adapter.connections.get_thread_connection().handle  # opens the environment
        return DuckDBConnectionManager.env()

    def _attach(self, session: Any) -> None:
        """Attach the lake as `landing` and, where the marts are published, as `published`."""
        load_extensions(session, self._settings)
        session.execute("DETACH landing")
        marts: Access | None = None if self._into else "read_write"
        for statement in attach_statements(self._settings, marts=marts, marts_as="published"):
            session.execute(statement)
        if self._into:
            session.execute(f"ATTACH {quoted(self._into)} AS published")

    def tables(self, kind: str) -> list[Table]:
        """
        Return the published models or seeds.

        An intermediate model (`int_`) is published only if it declares this itself.
        """
        self.warm()
        return [
            Table(node.schema, node.alias, node.description)
            for node in self._manifest.nodes.values()
            if node.resource_type == kind and (not node.name.startswith("int_") or node.config.meta.get("is_published"))
        ]

    def build(self, *, without: Iterable[str] = ()) -> list[str]:
        """
        Make all models from all history, and return the ids of the nodes that failed or were skipped.

        A good build returns an empty list.

        1. If a build of this version of the project has stored its statements, the models are made by them. dbt only
           loads the seeds before, and runs the data tests afterwards. If a statement fails for another reason than a
           lack of memory, step 2 follows, so that dbt's log names the error.
        2. Otherwise `dbt build` makes everything, and its statements are stored.

        Args:
            without: the kinds of nodes to leave out, by dbt's names. If models are left out, or unit tests are not,
                dbt makes everything.

        Raises:
            BuildFailed: dbt could not run at all.
        """
        self.warm()
        self._statements = []
        left_out = set(without)
        stored = stored_statements(self._settings) if "unit_test" in left_out and "model" not in left_out else []
        if not stored:
            return self._build_with_dbt(left_out)
        if failed := [] if "seed" in left_out else self._nodes("seed")[0]:
            return failed
        if failure := repeat(self.session(), stored, None):
            self._lacked_memory = failure.lacked_memory
            return [failure.unique_id] if failure.lacked_memory else self._build_with_dbt(left_out)
        if failed := [] if "test" in left_out else self._nodes("test", without={"unit_test"})[0]:
            return failed
        self._statements = stored
        return []

    def _build_with_dbt(self, left_out: AbstractSet[str]) -> list[str]:
        failed, results = self._nodes("build", without=left_out)
        if not failed and "model" not in left_out:
            models = [one.node for one in results if one.node.resource_type == "model"]
            self._statements = [_statement(node, Path(node.build_path).read_text()) for node in models]
            store_statements(self._settings, self._statements)
        return failed

    def _nodes(self, verb: str, without: AbstractSet[str] = frozenset()) -> tuple[list[str], Sequence[Any]]:
        """
        Let dbt run nodes. Return the ids of those that failed or were skipped, and the results of all.

        Raises:
            BuildFailed: dbt could not run at all.
        """
        outcome = self._invoke(verb, *(word for kind in without for word in ("--exclude-resource-type", kind)))
        if outcome.result is None:
            raise self._failed(outcome)
        results = outcome.result.results
        self._lacked_memory = any(_OUT_OF_MEMORY in (result.message or "") for result in results)
        failed = [result.node.unique_id for result in results if result.status in {"error", "fail", "skipped"}]
        if failed:
            # If dbt is killed at the wrong moment, it leaves a stored project in which the references are missing. dbt
            # would use this stored project for ever, so it is deleted.
            (self._target / "partial_parse.msgpack").unlink(missing_ok=True)
        return failed, results

    def raise_limit(self) -> bool:
        """
        If the last build lacked memory, start with an empty database and twice the limit, and return True.

        The limit never becomes larger than the memory of the machine. If it is that large already, return False. It is
        better to use more memory than to let the marts become out of date.
        """
        if not self._lacked_memory or self.memory_mb >= machine_mb():
            return False
        log.warning("build_needs_more_memory", limit_mb=self.memory_mb)
        self.memory_mb = min(2 * self.memory_mb, machine_mb())
        _close_environment()
        return True

    def compiled(self) -> list[Statement]:
        """
        Return the statements that make the models, parents first. No statement is run.

        Raises:
            BuildFailed: the project cannot be compiled.
        """
        self.warm()
        outcome = self._invoke("compile")
        if not outcome.success:
            raise self._failed(outcome)
        return [_compiled(one.node) for one in outcome.result.results if one.node.resource_type == "model"]

    def manifest(self) -> dict[str, Any]:
        """
        Return dbt's manifest, which contains everything that dbt knows about the project.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        self.warm()
        known: dict[str, Any] = self._manifest.to_dict()
        return known

    def can_repeat(self) -> bool:
        """
        True if the last build was complete and its database is still there.

        If this process has used another target of dbt after the build, the database no longer exists.
        """
        try:
            return bool(self._statements) and bool(self.session().execute("FROM marts.run.cut LIMIT 0"))
        except duckdb.CatalogException:
            return False

    def forget(self) -> None:
        """Make the next build from all history, because the last build was not published."""
        self._statements = []

    def repeat(self, delta: Delta | None) -> list[str]:
        """
        Make the models again with the statements of the last build, and return the id of the model that failed.

        After a failure, the next build is made from all history.

        Args:
            delta: the new records since the last build. If given, tables that can grow are only brought up to date.
        """
        failure = repeat(self.session(), self._statements, delta)
        if failure is None:
            return []
        self.forget()
        self._lacked_memory = failure.lacked_memory
        return [failure.unique_id]

    def _parse(self) -> Any:
        from dbt.adapters.factory import get_adapter_by_type

        outcome = self._invoke("parse")
        if not outcome.success:
            raise self._failed(outcome)
        self._adapter = get_adapter_by_type("duckdb")
        return outcome.result

    def _invoke(self, verb: str, *options: str) -> Any:
        from dbt.cli.main import dbtRunner

        return dbtRunner(manifest=self._manifest).invoke([verb, *self._places(), *options])

    def _places(self) -> Sequence[str]:
        return [
            "--project-dir", str(_PROJECT), "--profiles-dir", str(_PROJECT),
            "--target-path", str(self._target), "--log-path", str(self.log_folder), "--log-level-file", "warn",
            # Let dbt write no lines to the console and no files, and make no list of all tables. All this would cost
            # time in every build, and nothing uses it.
            "--quiet", "--log-level", "none", "--no-write-json", "--no-populate-cache",
        ]  # fmt: skip

    def _failed(self, outcome: Any) -> BuildFailed:
        return BuildFailed(f"dbt could not run ({type(outcome.exception).__name__}); see its log in {self.log_folder}")
