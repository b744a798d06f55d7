"""Make one build of the marts: choose its snapshot, run the statements, and record what was built."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import duckdb
import structlog

from streams.errors import BuildFailed, MartsHeld
from streams.lake.connect import connect
from streams.lake.one_row import one_row
from streams.lake.removal import removal
from streams.lake.renewal import Renewal
from streams.marts.build_log import BuildLog, BuildResult
from streams.marts.lock import build_lock
from streams.marts.pacing import LATELY_SECONDS
from streams.marts.snapshot import Landed, Snapshot, choose_snapshot, records, store_snapshot
from streams.marts.warehouse_file import Warehouse
from streams.marts.warm_builder import WarmBuilder
from streams.marts.warm_dbt import seeds_checksum
from streams.settings import Settings
from streams.times import naive

__all__ = ["Ahead", "Builder", "Holds", "build"]

log = structlog.get_logger()

Holds = Callable[[duckdb.DuckDBPyConnection], Sequence[object]]
"""A function that returns the failed batch-level expectations that hold the marts at present."""

_CLOCK_EVERY = timedelta(minutes=2)
"""`follow` makes a build at least this often, because deadlines pass even when no records land."""

_TEST_EVERY = timedelta(minutes=5)
"""How often `follow` runs the data tests. A build with data tests is made from all history."""
_TEST_SHARE = 10
"""
Builds with data tests may take at most one tenth of the time. If the history is long, such builds are therefore rarer.
"""

_LATELY = "SELECT count(*) FROM landing.main.events WHERE landed_at > ?"
_RECENT = timedelta(seconds=LATELY_SECONDS)

_SWEEP_EVERY = timedelta(minutes=10)
_KEPT = timedelta(hours=1)
"""
How long the files of earlier builds are kept for readers that are still using them.

The files cannot be kept for ever, because a build every few seconds writes many files.
"""


def build(
    settings: Settings, *, full: bool = False, holds: Holds | None = None, fresh_seconds: float = 60.0
) -> BuildResult:
    """
    Build the marts once, up to one snapshot. If another process is building, wait until it has finished.

    Args:
        settings: the settings, which say where the lake is.
        full: also load the seeds and run the unit tests.
        holds: a function that returns the holds on the marts. If there are any, nothing is built, and the last good
            marts stay.
        fresh_seconds: how old the watcher's heartbeat may be. The watermark of an older heartbeat is not used.

    Raises:
        MartsHeld: a batch-level expectation holds the marts.
        BuildFailed: a model or a test failed. `marts.run.builds` names it.
        LakeUnavailable: the lake does not answer.
    """
    with Builder(settings, holds=holds, fresh_seconds=fresh_seconds) as builder:
        return builder.build(full=full)


@dataclass(frozen=True)
class Ahead:
    """
    What a build could add now.

    Attributes:
        lately: number of events that landed in the last ten seconds.
        waiting: number of landed records that a build would not read yet, because they are beyond its snapshot.
        is_behind: whether a record has landed that the last build did not read.
        has_news: whether a build now would read more than the last build did.
    """

    lately: int
    waiting: int
    is_behind: bool
    has_news: bool


class Builder:
    """
    Makes one build after another in the same process, with dbt kept warm and one connection to the lake.

    `build` makes one build in these steps:

    1. Start dbt, if it has not been started. Starting dbt takes seconds, so it is done before the snapshot is chosen.
       Records that land meanwhile are then part of this build.
    2. Take the build lock. If another process holds it, wait for up to ten minutes.
    3. If a failed batch-level expectation holds the marts, stop with `MartsHeld`.
    4. Choose the snapshot: the watcher's latest watermark up to which everything has landed. If no heartbeat is recent
       enough, choose everything that has landed.
    5. Store the snapshot in the lake, where the statements of the build read it.
    6. Let `WarmBuilder` make the marts and publish them. `WarmBuilder` loads the seeds if a full build was asked for,
       if there has been no good build yet, or if the seed files have changed since the last good build.
    7. Add a row to `marts.run.builds`, whether the build was good or not.
    8. Every ten minutes, merge the files of that table. Also delete the files of builds that are more than an hour old,
       unless newer builds use them.
    9. Release the lock. Stop with `BuildFailed` if a model or a test failed.
    10. Bring `warehouse.duckdb` up to date. If updating this file fails, log a warning, because the marts are already
        published.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        holds: Holds | None = None,
        fresh_seconds: float = 60.0,
        warm: WarmBuilder | None = None,
    ) -> None:
        self._settings = settings
        self._holds = holds
        self._fresh = timedelta(seconds=fresh_seconds)
        self._warm = warm or WarmBuilder(settings)
        self._lake = connect(settings, landing="read_only", marts="read_write")
        self._renewal = Renewal(settings, self._lake)
        self._log = BuildLog(self._lake)
        self._landed = Landed(self._lake)
        self._warehouse = Warehouse(settings)
        self._built: Snapshot | None = None
        self._built_at: datetime | None = None
        self._swept_at: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lake.close()

    def warm(self) -> None:
        """
        Start dbt now, so that the first build does not have to.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        self._warm.warm()

    def look(self) -> Ahead:
        """
        Find what a build could add now.

        If the new snapshot covers less than the last one, a build would add nothing. This happens if the last build
        read everything that had landed, and a watcher that has just started must catch up.
        """
        now = datetime.now(UTC)
        landed = self._landed.offsets(now)
        snapshot, built = choose_snapshot(self._lake, now, self._fresh, landed), self._built
        return Ahead(
            lately=one_row(self._lake.execute(_LATELY, [naive(now - _RECENT)]))[0],
            waiting=records(landed) - records(snapshot.offsets),
            is_behind=built is None or not built.covers(landed),
            has_news=built is None or (snapshot.offsets != built.offsets and snapshot.covers(built.offsets)),
        )

    def is_clock_due(self) -> bool:
        """True if this process made its last build more than two minutes ago. Deadlines may have passed since then."""
        return self._built_at is not None and naive(datetime.now(UTC)) - self._built_at > _CLOCK_EVERY

    def are_tests_due(self) -> bool:
        """True if no build of any process has passed the data tests recently."""
        if (tested := self._log.latest_tested()) is None:
            return True
        tested_at, took = tested
        return datetime.now(UTC) - tested_at > max(_TEST_EVERY, _TEST_SHARE * took)

    def build(self, *, full: bool = False, tests: bool = True) -> BuildResult:
        """
        Make one build. The docstring of `Builder` lists the steps. dbt's contracts of the models are always enforced.

        Args:
            full: also load the seeds, and run the unit tests and the data tests.
            tests: run the data tests.

        Raises:
            MartsHeld: a batch-level expectation holds the marts.
            BuildFailed: a model or a test failed.
        """
        self.warm()
        self._renewal.renew()
        with build_lock(self._settings):
            if held := self._holds(self._lake) if self._holds else ():
                raise MartsHeld(f"new marts are held: {'; '.join(map(str, held))}; readers keep the last good marts")
            started = datetime.now(UTC)
            snapshot = choose_snapshot(self._lake, started, self._fresh, self._landed.offsets(started, anew=True))
            store_snapshot(self._lake, snapshot)
            if self._built is None:
                self._log.ensure()
            seeds, latest = seeds_checksum(), self._log.latest()
            failed = self._warm.make(
                is_latest=latest is not None and latest[0] == self._built_at,
                is_later=self._built is not None and snapshot.covers(self._built.offsets),
                seeds=full or latest is None or latest[1] != seeds,
                tests=tests,
                full=full,
            )
            result = BuildResult(started, datetime.now(UTC), snapshot, failed)
            self._log.record(result, seeds, is_tested=tests or full)
            self._sweep()
        log.info(
            "marts_built",
            ok=result.ok,
            rows=snapshot.records,
            watched=snapshot.is_watched,
            seconds=round(result.seconds, 2),
        )
        if failed:
            raise BuildFailed(f"these failed or were skipped in dbt: {', '.join(sorted(failed))}; see marts.run.builds")
        self._built, self._built_at = snapshot, naive(started)
        self._write_warehouse()
        return result

    def _write_warehouse(self) -> None:
        """Bring `warehouse.duckdb` up to date. The marts are already published, so a failure here is only logged."""
        try:
            self._warehouse.write(self._warm.session(), self._warm.tables(), self._warm.written)
        except (OSError, duckdb.Error) as error:
            log.warning("warehouse_not_written", error=type(error).__name__)

    def _sweep(self) -> None:
        """Delete the files of old builds. Also merge the files of the log of builds, because each build adds one."""
        now = datetime.now(UTC)
        if self._swept_at is not None and now - self._swept_at < _SWEEP_EVERY:
            return
        self._swept_at = now
        until = (now - _KEPT).isoformat()
        self._lake.execute("CALL ducklake_merge_adjacent_files('marts', 'builds', schema => 'run')")
        with removal(self._settings) as may_remove:
            for function in ("ducklake_expire_snapshots", "ducklake_cleanup_old_files") if may_remove else ():
                self._lake.execute(f"CALL {function}('marts', older_than => '{until}'::TIMESTAMPTZ)")
