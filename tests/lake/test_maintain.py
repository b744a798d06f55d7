"""Maintenance changes the files of the lake, never its rows."""

import threading
from contextlib import closing
from dataclasses import replace

import duckdb
import pytest

from streams.bench.open_lake import make_open_lake
from streams.errors import LockTaken
from streams.kafka.client import producer
from streams.lake import maintain as module
from streams.lake.connect import connect
from streams.lake.locks import LandingLocks
from streams.lake.maintain import compact, maintain
from streams.land import run
from streams.settings import Settings


def insert(lake: duckdb.DuckDBPyConnection, count: int) -> None:
    for number in range(count):
        for table in ("events", "quarantine"):
            lake.execute(f"INSERT INTO landing.main.{table} BY NAME SELECT {number} AS kafka_offset, 'x' AS topic")


def state(settings: Settings, table: str) -> tuple[list[int], int]:
    """The offsets of a table in order, and the number of the table's files."""
    with connect(settings) as lake:
        rows = lake.execute(f"SELECT kafka_offset FROM landing.main.{table} ORDER BY 1").fetchall()
        files = lake.execute("SELECT file_count FROM ducklake_table_info('landing') WHERE table_name = ?", [table])
        return [offset for (offset,) in rows], files.fetchone()[0]


def test_small_files_become_one(fresh_settings: Settings) -> None:
    with connect(fresh_settings, landing="read_write") as lake:
        insert(lake, 6)
        compact(lake)

    assert state(fresh_settings, "events") == ([*range(6)], 1)


def test_few_rows_of_whole_records_are_in_memory_at_once(fresh_settings: Settings) -> None:
    """
    Merging would otherwise need memory for all the long records that it merges.

    DuckDB does not show the row groups of an encrypted file.
    """
    make_open_lake(fresh_settings)
    with connect(fresh_settings, landing="read_write") as lake:
        lake.execute(
            "INSERT INTO landing.main.quarantine BY NAME SELECT range AS kafka_offset, 'x' AS topic FROM range(5000)"
        )
        insert(lake, 2)
        compact(lake)
        (file,) = lake.execute("SELECT data_file FROM ducklake_list_files('landing', 'quarantine')").fetchone()
        groups = lake.execute(
            "SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata(?) ORDER BY 1", [file]
        ).fetchall()

    rows = [rows for _, rows in groups]
    assert sum(rows) == 5_000 + 2
    assert max(rows) == 2_048
    assert rows[:2] == [2_048, 2_048]


def test_rows_are_the_same_after_maintenance(fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """After maintenance, each table is stored in one file."""
    monkeypatch.setattr(module, "SNAPSHOTS_KEPT", module.SNAPSHOTS_KEPT * 0)
    with connect(fresh_settings, landing="read_write") as lake:
        insert(lake, 6)
    maintain(fresh_settings)

    assert state(fresh_settings, "events") == ([*range(6)], 1)
    assert state(fresh_settings, "quarantine") == ([*range(6)], 1)


def test_lander_hands_its_locks_over_and_goes_on(fresh_settings: Settings, fresh_topics: str) -> None:
    """Records that arrive during maintenance wait, and land afterwards."""
    settings = replace(fresh_settings, land_batch_seconds=0.05)
    stop, total = threading.Event(), []
    lander = threading.Thread(target=lambda: total.append(run(settings, until=stop.is_set)))
    lander.start()
    with closing(producer(settings)) as kafka:
        kafka.send("caf.referral.v1", value=b"before")
        kafka.flush()
        while not state(settings, "quarantine")[0]:
            threading.Event().wait(0.2)
        maintain(settings)
        kafka.send("caf.referral.v1", value=b"after")
        kafka.flush()
        while len(state(settings, "quarantine")[0]) < 2:
            threading.Event().wait(0.2)
    stop.set()
    lander.join()

    assert total[0].rejected == 2


def test_locks_that_nobody_hands_over_are_reported(fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.3)
    holder = LandingLocks(fresh_settings, [0])
    assert holder.acquire()
    with pytest.raises(LockTaken, match="did not hand"):
        maintain(fresh_settings)
    holder.close()
