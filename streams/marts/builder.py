"""One build: choose the cut, run dbt, write down what was built."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import duckdb
import structlog

from streams.errors import BuildFailed, MartsHeld
from streams.lake.connect import connect
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
"""Tells which batch-level failures hold the marts at present."""

_CLOCK_EVERY = timedelta(minutes=2)
"""While following, the longest time without a build: deadlines pass, also when nothing lands."""

_TEST_EVERY = timedelta(minutes=5)
"""While following, how often the data tests run, with a build that dbt makes of all there is."""
_TEST_SHARE = 10
"""With a long history less often, so that such builds take no more than this part of the time."""

_LATELY = "SELECT count(*) FROM landing.main.events WHERE landed_at > ?"
_RECENT = timedelta(seconds=LATELY_SECONDS)

_SWEEP_EVERY = timedelta(minutes=10)
_KEPT = timedelta(hours=1)
"""How long files of earlier builds are kept for readers that began before: builds write many, every few seconds."""


def build(
    settings: Settings, *, full: bool = False, holds: Holds | None = None, fresh_seconds: float = 60.0
) -> BuildResult:
    """
    Build the marts once, at one cut; a build that runs elsewhere is waited for.

    Args:
        settings: where the lake is.
        full: load the seeds and run the unit tests, too.
        holds: tells what holds the marts; with any hold nothing is built and the last good state stays.
        fresh_seconds: how old the watcher's heartbeat may be for its cut to be taken.

    Raises:
        MartsHeld: a batch-level expectation holds the marts.
        BuildFailed: a model or a test failed; `marts.run.builds` says which.
        LakeUnavailable: the lake does not answer.
    """
    with Builder(settings, holds=holds, fresh_seconds=fresh_seconds) as builder:
        return builder.build(full=full)


@dataclass(frozen=True)
class Ahead:
    """
    What there is to build now.

    `lately` events have just landed, and `waiting` records have landed, but are beyond the cut.
    `is_behind`: an event has landed that the last build has not seen. `has_news`: a build would see more than it did.
    """

    lately: int
    waiting: int
    is_behind: bool
    has_news: bool


class Builder:
    """A warm dbt and a connection, for as many builds as are wanted."""

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
        Start dbt now, so that the first build need not.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        self._warm.warm()

    def look(self) -> Ahead:
        """
        What a build now would be of.

        A cut behind the last one is no news: that of a watcher which catches up, after marts of all that had landed.
        """
        now = datetime.now(UTC)
        landed = self._landed.offsets(now)
        snapshot, built = choose_snapshot(self._lake, now, self._fresh, landed), self._built
        return Ahead(
            lately=self._lake.execute(_LATELY, [naive(now - _RECENT)]).fetchone()[0],
            waiting=records(landed) - records(snapshot.offsets),
            is_behind=built is None or not built.covers(landed),
            has_news=built is None or (snapshot.offsets != built.offsets and snapshot.covers(built.offsets)),
        )

    def is_clock_due(self) -> bool:
        """Whether deadlines may have passed since the last build of this process."""
        return self._built_at is not None and naive(datetime.now(UTC)) - self._built_at > _CLOCK_EVERY

    def are_tests_due(self) -> bool:
        """Whether no build, of this process or another, has passed the data tests for a while."""
        if (tested := self._log.latest_tested()) is None:
            return True
        tested_at, took = tested
        return datetime.now(UTC) - tested_at > max(_TEST_EVERY, _TEST_SHARE * took)

    def build(self, *, full: bool = False, tests: bool = True) -> BuildResult:
        """
        One build, at the cut of now; contracts hold in any case, data tests run when asked for.

        Raises:
            MartsHeld: a batch-level expectation holds the marts.
            BuildFailed: a model or a test failed.
        """
        # Before the cut: what lands in these seconds is built, too.
        self.warm()
        with build_lock(self._settings):
            if held := self._holds(self._lake) if self._holds else ():
                raise MartsHeld(f"the marts wait: {'; '.join(map(str, held))}; the last good state stays")
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
            raise BuildFailed(f"dbt build: {', '.join(sorted(failed))} failed or were skipped; see marts.run.builds")
        self._built, self._built_at = snapshot, naive(started)
        self._write_warehouse()
        return result

    def _write_warehouse(self) -> None:
        """A file that cannot be written is no reason to hold the marts, which are published already."""
        try:
            self._warehouse.write(self._warm.session(), self._warm.tables(), self._warm.written)
        except (OSError, duckdb.Error) as error:
            log.warning("warehouse_not_written", error=type(error).__name__)

    def _sweep(self) -> None:
        """Remove the files of builds that nobody reads any more, and merge the log of builds, a file each."""
        now = datetime.now(UTC)
        if self._swept_at is not None and now - self._swept_at < _SWEEP_EVERY:
            return
        self._swept_at = now
        until = (now - _KEPT).isoformat()
        self._lake.execute("CALL ducklake_merge_adjacent_files('marts', 'builds', schema => 'run')")
        for function in ("ducklake_expire_snapshots", "ducklake_cleanup_old_files"):
            self._lake.execute(f"CALL {function}('marts', older_than => '{until}'::TIMESTAMPTZ)")
