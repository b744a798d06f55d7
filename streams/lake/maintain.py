"""
Keep the lake small and fast without changing any row.

Only the holder of the landing locks merges files, so maintenance never runs while a lander commits.
"""

from datetime import UTC, datetime, timedelta

import duckdb
import structlog

from streams.contracts.landing import landing_tables
from streams.errors import PartsDisagree
from streams.lake.connect import connect
from streams.lake.locks import LandingLocks
from streams.lake.one_row import one_row
from streams.lake.removal import removal
from streams.settings import Settings

__all__ = ["SMALL_FILE_BYTES", "SNAPSHOTS_KEPT", "compact", "maintain"]

log = structlog.get_logger()

SMALL_FILE_BYTES = 8_000_000
"""
Files smaller than this many bytes are merged between batches.

Larger files are merged only by `maintain`, so that rows are rewritten rarely.
"""

_PATIENCE_SECONDS = 60.0
SNAPSHOTS_KEPT = timedelta(days=1)
"""DuckLake's snapshots are deleted at this age. Every query and every rebuild takes far less time than this."""


def compact(lake: duckdb.DuckDBPyConnection) -> None:
    """Merge adjacent small files of the landing tables."""
    merged = lake.execute(
        f"CALL ducklake_merge_adjacent_files('landing', max_file_size => {SMALL_FILE_BYTES})"
    ).fetchall()
    log.info("files_merged", merges=len(merged))


def maintain(settings: Settings) -> None:
    """
    Merge files, delete DuckLake's old snapshots, and remove files that no snapshot uses.

    The lander hands its locks over while maintenance runs. Before files are removed, a check makes sure that every
    table still has the same number of rows. While a backup is being made, no file is removed.

    Raises:
        LockTaken: the lander did not hand its locks over.
        PartsDisagree: the row count of a table changed.
    """
    locks = LandingLocks(settings, range(settings.partitions))
    try:
        locks.acquire_for_maintenance(_PATIENCE_SECONDS)
        with connect(settings, landing="read_write", marts="read_write") as lake:
            _merge(lake)
            with removal(settings) as may_remove:
                if may_remove:
                    _remove(lake)
    finally:
        locks.close()


def _merge(lake: duckdb.DuckDBPyConnection) -> None:
    before = _counts(lake)
    lake.execute("CALL ducklake_merge_adjacent_files('landing')")
    after = _counts(lake)
    if before != after:
        moved = {table: (before[table], after[table]) for table in before if before[table] != after[table]}
        raise PartsDisagree(f"maintenance changed counts (before, after): {moved}; no file was removed")
    log.info("lake_maintained", **after)


def _remove(lake: duckdb.DuckDBPyConnection) -> None:
    until = (datetime.now(UTC) - SNAPSHOTS_KEPT).isoformat()
    for catalog in ("landing", "marts"):
        lake.execute(f"CALL ducklake_expire_snapshots('{catalog}', older_than => '{until}'::TIMESTAMPTZ)")
        lake.execute(f"CALL ducklake_cleanup_old_files('{catalog}', older_than => '{until}'::TIMESTAMPTZ)")


def _counts(lake: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return {table: one_row(lake.execute(f"SELECT count(*) FROM landing.main.{table}"))[0] for table in landing_tables()}
