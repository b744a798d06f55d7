"""Make the marts in the cheapest way that results in the same rows as a full build, and publish them."""

import duckdb
import structlog

from streams.marts.catalog import Publisher, Table, take_over
from streams.marts.changes import Change
from streams.marts.delta import Delta
from streams.marts.warm_dbt import WarmDbt
from streams.settings import Settings

__all__ = ["WarmBuilder"]

log = structlog.get_logger()


class WarmBuilder:
    """
    Builds the marts from all history or from what is new, and publishes the changes.

    `make` works in these steps:

    1. If this object did not make the latest good build, forget what it published. Every table then counts as changed.
    2. Choose how to build: from all history, or on top of the last build. The latter is possible if this object made
       the latest good build, the build database still has that build, and neither seeds nor tests are wanted.
    3. Copy the snapshot and the former state from the lake to the build database (`take_over`). For a build from all
       history, also copy the seeds that are not loaded again.
    4. Build. If it is on top of the last build, and the new snapshot covers the last one, tables that can grow are only
       brought up to date (`Delta`). In all other cases, everything is built from all history (`WarmDbt.build`).
    5. If nothing failed, publish the changed tables and the snapshot in one transaction. After a build without a delta,
       also compress the build database.
    6. If the build ran out of memory, double the limit and begin again, until the limit is all the memory of the
       machine.
    7. If the lake cannot be read or written, log a warning and report `publish` as failed. The next build is made
       from all history.
    """

    def __init__(self, settings: Settings) -> None:
        self._dbt = WarmDbt(settings)
        self._publisher = Publisher()
        self.written: dict[str, Change | None] = {}
        """
        The tables that the last build changed, by name, with the changed rows. If the value is None, it is not known
        which rows have changed.
        """

    def warm(self) -> None:
        """
        Start dbt now, so that the first build does not have to.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        self._dbt.warm()

    def session(self) -> duckdb.DuckDBPyConnection:
        """Return a connection to the build database, in which the lake is attached as well."""
        return self._dbt.session()

    def tables(self) -> list[Table]:
        """Return the tables that are published to readers."""
        return [*self._dbt.tables("model"), *self._dbt.tables("seed")]

    def make(self, *, is_latest: bool, is_later: bool, seeds: bool, tests: bool, full: bool) -> list[str]:
        """
        Build up to the stored snapshot, publish, and return the ids of the dbt nodes that failed.

        Args:
            is_latest: whether the published marts are the last build of this object.
            is_later: whether the snapshot covers the snapshot of the last build.
            seeds: whether to load the seeds. If not, the lake has them already.
            tests: whether to run the data tests.
            full: whether to run the unit tests, which test code and not data.

        Raises:
            BuildFailed: dbt could not run at all.
        """
        session, seed_tables = self._dbt.session(), self._dbt.tables("seed")
        if not is_latest:
            self._publisher.forget()
        delta = None
        try:
            if is_latest and not (seeds or tests or full) and self._dbt.can_repeat():
                take_over(session, ())
                delta = Delta(session) if is_later else None
                failed = self._dbt.repeat(delta)
            else:
                take_over(session, () if seeds else seed_tables)
                wanted = {"unit_test": full, "seed": seeds, "test": tests or full}
                failed = self._make_anew({kind for kind, is_wanted in wanted.items() if not is_wanted})
            if not failed:
                built = [*self._dbt.tables("model"), *(seed_tables if seeds else ())]
                changes = delta.changes if delta else {}
                self.written = self._publisher.publish(session, built, kept=seed_tables, changes=changes)
                if delta is None:
                    # A checkpoint compresses the tables that were written. To make a checkpoint after each delta would
                    # cost too much.
                    session.execute("CHECKPOINT marts")
            elif self._dbt.raise_limit():
                return self.make(is_latest=False, is_later=False, seeds=seeds, tests=tests, full=full)
        except duckdb.Error as error:
            log.warning("marts_not_published", error=type(error).__name__)
            self._dbt.forget()
            return ["publish"]
        return failed

    def _make_anew(self, without: set[str]) -> list[str]:
        """Build from all history, without these kinds of nodes (by dbt's names). Return the ids of what failed."""
        return self._dbt.build(without=without)
