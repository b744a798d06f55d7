"""Makes the marts in the cheapest way that gives the same rows, and publishes them."""

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
    """A warm dbt, what it has built, and what was published of that."""

    def __init__(self, settings: Settings) -> None:
        self._dbt = WarmDbt(settings)
        self._publisher = Publisher()
        self.written: dict[str, Change | None] = {}
        """The tables that the last build has changed, with what is known of that."""

    def warm(self) -> None:
        """
        Start dbt now, so that the first build need not.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        self._dbt.warm()

    def session(self) -> duckdb.DuckDBPyConnection:
        """Where the marts are built, and the lake is attached."""
        return self._dbt.session()

    def tables(self) -> list[Table]:
        """The tables that readers have."""
        return [*self._dbt.tables("model"), *self._dbt.tables("seed")]

    def make(self, *, is_latest: bool, is_later: bool, seeds: bool, tests: bool, full: bool) -> list[str]:
        """
        Build at the cut that is stored, and publish; returns the ids of what failed.

        Unless something speaks against it, dbt is not asked again, and what can grow by what is new does.

        Args:
            is_latest: what readers have is the last build of this maker.
            is_later: the cut covers that of the last build.
            seeds: load the seeds, too; else they are there already.
            tests: run the data tests.
            full: run the unit tests, which judge code and not data.

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
                    # Compresses what is new; of all that deltas have changed it is too dear for each of them.
                    session.execute("CHECKPOINT marts")
            elif self._dbt.raise_limit():
                return self.make(is_latest=False, is_later=False, seeds=seeds, tests=tests, full=full)
        except duckdb.Error as error:
            log.warning("marts_not_published", error=type(error).__name__)
            self._dbt.forget()
            return ["publish"]
        return failed

    def _make_anew(self, without: set[str]) -> list[str]:
        """Make all but some kinds of nodes, as dbt calls them, in the session; returns the ids of what failed."""
        return self._dbt.build(without=without)
