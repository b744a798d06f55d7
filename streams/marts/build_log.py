"""The log of builds, `marts.run.builds`: what each build read, and how it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from streams.lake.one_row import one_row
from streams.marts.snapshot import Snapshot
from streams.times import aware, naive

__all__ = ["BuildLog", "BuildResult"]

_TESTED = """
    SELECT max(started_at), max_by(finished_at - started_at, started_at) FROM marts.run.builds WHERE ok AND is_tested
"""

_LATEST = "SELECT started_at, seeds FROM marts.run.builds WHERE ok ORDER BY rowid DESC LIMIT 1"

_BUILDS = """
    CREATE TABLE IF NOT EXISTS marts.run.builds (
        started_at TIMESTAMP, finished_at TIMESTAMP, as_of TIMESTAMP, is_watched BOOLEAN,
        cut MAP(VARCHAR, BIGINT[]), rows BIGINT, ok BOOLEAN, failed VARCHAR[], seeds VARCHAR
    );
    ALTER TABLE marts.run.builds ADD COLUMN IF NOT EXISTS is_tested BOOLEAN;
"""


@dataclass(frozen=True)
class BuildResult:
    """A finished build. `failed` names the models that could not be built, and the tests that failed."""

    started_at: datetime
    finished_at: datetime
    snapshot: Snapshot
    failed: list[str]

    @property
    def ok(self) -> bool:
        """True if everything was built and every test passed."""
        return not self.failed

    @property
    def seconds(self) -> float:
        """How many seconds the build took."""
        return (self.finished_at - self.started_at).total_seconds()


class BuildLog:
    """The log of builds, read and written over one connection to the lake."""

    def __init__(self, lake: duckdb.DuckDBPyConnection) -> None:
        self._lake = lake

    def ensure(self) -> None:
        """Create the table if it is missing, and add a missing column."""
        self._lake.execute(_BUILDS)

    def latest(self) -> tuple[datetime, str] | None:
        """Return when the last good build began (UTC, without a time zone), and the checksum of its seeds."""
        return self._lake.execute(_LATEST).fetchone()

    def latest_tested(self) -> tuple[datetime, timedelta] | None:
        """
        Find the last build that passed the data tests. Return when it began (timezone-aware), and how long it took.

        Return None if no build has passed the data tests.
        """
        try:
            tested_at, took = one_row(self._lake.execute(_TESTED))
        except (duckdb.CatalogException, duckdb.BinderException):
            return None  # no build yet, or none since the log has the column `is_tested`
        return None if tested_at is None else (aware(tested_at), took)

    def record(self, result: BuildResult, seeds: str, *, is_tested: bool) -> None:
        """Add a build; `seeds` is the checksum of the seeds that it read."""
        snapshot = result.snapshot
        moments = [naive(moment) for moment in (result.started_at, result.finished_at, snapshot.as_of)]
        facts = [
            snapshot.is_watched,
            list(snapshot.offsets),
            list(snapshot.offsets.values()),
            snapshot.records,
            result.ok,
            result.failed,
        ]
        self._lake.execute(
            "INSERT INTO marts.run.builds "
            "SELECT ?, ?, ?, ?, map(?::VARCHAR[], ?::BIGINT[][]), ?, ?, ?::VARCHAR[], ?, ?",
            [*moments, *facts, seeds, is_tested],
        )
