"""
dbt kept warm: imported and parsed once, then run again and again in this process.

One thread: several at a time in one process that writes through DuckLake have crashed it.

Of a warm build two thirds are not SQL: dbt renders every macro, model and log line anew. What it would execute is the
same each time, so the statements of its last build can be repeated without it
(`docs/decisions/0009-marts-are-published-whole.md`).
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import structlog

from streams.errors import BuildFailed
from streams.lake.connect import catalog_dsn, data_path, install_extensions, lies_in_home
from streams.marts.build_database import machine_mb, settle
from streams.marts.catalog import Table
from streams.marts.delta import Delta
from streams.marts.statements import Statement, repeat
from streams.names import CATALOG_LANDING, CATALOG_MARTS
from streams.settings import PROJECT, Settings

__all__ = ["WarmDbt", "dbt_environment", "seeds_checksum"]

log = structlog.get_logger()

_OUT_OF_MEMORY = "Out of Memory Error"

_PROJECT = PROJECT / "dbt_project"


def dbt_environment(settings: Settings, into: Path | None = None) -> dict[str, str]:
    """
    The variables from which the profile attaches the catalogs; `into` is the file that the target `file` publishes to.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    lake = f"ducklake:postgres:{catalog_dsn(settings)}"
    return {
        "CAF_DBT_LANDING": lake,
        "CAF_DBT_LANDING_DATA": data_path(settings, CATALOG_LANDING),
        "CAF_DBT_MARTS": lake,
        "CAF_DBT_MARTS_DATA": data_path(settings, CATALOG_MARTS),
        "CAF_DBT_OVERRIDE_DATA_PATH": str(lies_in_home(settings)).lower(),
        **({"CAF_DBT_FILE": str(into)} if into else {}),
    }


def seeds_checksum() -> str:
    """Changes when a seed changes, so that an unchanged one is not loaded again."""
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


_LEAST_OWN_MB = 1_000
"""What a build takes of a small machine that nobody has limited; enough for a million events."""


class WarmDbt:
    """A `dbtRunner` with its manifest, that builds `marts` in a database of its own."""

    def __init__(self, settings: Settings, into: Path | None = None) -> None:
        self._settings = settings
        self._into = into
        self._manifest: Any = None
        self._adapter: Any = None
        self._statements: list[Statement] = []
        self.memory_mb = settings.build_memory_mb or max(_LEAST_OWN_MB, machine_mb() // 4)
        """What a build may take for tables and queries."""
        self._lacked_memory = False
        self.log_folder = settings.home / "dbt" / "logs"
        self._target = settings.home / "dbt" / "target"

    def warm(self) -> None:
        """
        Import and parse now, unless it has been done.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        if self._manifest is None:
            self._manifest = self._parse()

    def session(self) -> duckdb.DuckDBPyConnection:
        """
        A cursor where dbt builds: `marts` its own, `landing` and `published` attached.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        self.warm()
        with self._adapter.connection_named("caf"):
            # Asked for, the connection opens the environment of this target, which outlives it.
            _ = self._adapter.connections.get_thread_connection().handle
        session = DuckDBConnectionManager.env().handle().cursor()
        settle(session, self._settings, self.memory_mb)
        return session

    def tables(self, kind: str) -> list[Table]:
        """The models, or the seeds, that readers are to have: steps on the way (`int_`) only where they say so."""
        self.warm()
        return [
            Table(node.schema, node.alias, node.description)
            for node in self._manifest.nodes.values()
            if node.resource_type == kind and (not node.name.startswith("int_") or node.config.meta.get("is_published"))
        ]

    def build(self, *, without: Iterable[str] = ()) -> list[str]:
        """
        Run `dbt build`; returns the ids of nodes that failed or were skipped, empty when all is well.

        Args:
            without: kinds of nodes to leave out, as dbt calls them.

        Raises:
            BuildFailed: dbt could not run at all.
        """
        self.warm()
        self._statements = []
        outcome = self._invoke("build", *(word for kind in without for word in ("--exclude-resource-type", kind)))
        if outcome.result is None:
            raise self._failed(outcome)
        results = outcome.result.results
        self._lacked_memory = any(_OUT_OF_MEMORY in (result.message or "") for result in results)
        failed = [result.node.unique_id for result in results if result.status in {"error", "fail", "skipped"}]
        if failed:
            # Killed in the wrong moment, dbt keeps a project without its references, and would use it for ever.
            (self._target / "partial_parse.msgpack").unlink(missing_ok=True)
        else:
            models = [one.node for one in results if one.node.resource_type == "model"]
            self._statements = [_statement(node, Path(node.build_path).read_text()) for node in models]
        return failed

    def raise_limit(self) -> bool:
        """
        After a build that lacked memory, have an empty database that may take twice as much, up to all that there is;
        tells whether it is so.

        Marts that stay as they are because of a limit would help nobody.
        """
        if not self._lacked_memory or self.memory_mb >= machine_mb():
            return False
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        log.warning("build_needs_more_memory", limit_mb=self.memory_mb)
        self.memory_mb = min(2 * self.memory_mb, machine_mb())
        DuckDBConnectionManager.close_all_connections()
        return True

    def compiled(self) -> list[Statement]:
        """
        The statements that make the models, parents first; nothing is run.

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
        All that dbt knows of the project.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        self.warm()
        return self._manifest.to_dict()

    def can_repeat(self) -> bool:
        """Whether the last build was whole, and its memory is still there: another target in this process ends it."""
        try:
            return bool(self._statements) and bool(self.session().execute("FROM marts.run.cut LIMIT 0"))
        except duckdb.CatalogException:
            return False

    def forget(self) -> None:
        """What was built is not what readers have: dbt itself has to build again."""
        self._statements = []

    def repeat(self, delta: Delta | None) -> list[str]:
        """
        Make the models anew by the statements of the last build; returns the id of one that failed.

        After a failure dbt itself has to build again.

        Args:
            delta: what is new since the last build; with it the tables that can grow do.
        """
        failed = repeat(self.session(), self._statements, delta)
        if failed:
            self.forget()
        return [failed] if failed else []

    def _parse(self) -> Any:
        from dbt.adapters.factory import get_adapter_by_type

        os.environ.update(dbt_environment(self._settings, self._into))
        install_extensions()
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
            "--target", "file" if self._into else "lake",
            "--target-path", str(self._target), "--log-path", str(self.log_folder), "--log-level-file", "warn",
            # What costs time in every build and is of no use: lines for a console, files, a look at all tables.
            "--quiet", "--log-level", "none", "--no-write-json", "--no-populate-cache",
        ]  # fmt: skip

    def _failed(self, outcome: Any) -> BuildFailed:
        return BuildFailed(f"dbt could not run ({type(outcome.exception).__name__}); its log is in {self.log_folder}")
