"""Where a build stores its tables, and what happens to the file with these tables."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streams.marts.build_database import machine_mb
from streams.marts.builder import Builder
from streams.marts.warm_builder import WarmBuilder
from streams.marts.warm_dbt import WarmDbt
from streams.marts.work_folder import work_folder

DATABASE = "SELECT path FROM duckdb_databases() WHERE database_name = 'marts'"
LIMIT = "SELECT current_setting('memory_limit')"


@pytest.fixture(scope="module")
def warm(own_lake) -> WarmBuilder:
    return WarmBuilder(own_lake.settings)


@pytest.fixture
def builder(own_lake, warm) -> Iterator[Builder]:
    with Builder(own_lake.settings, warm=warm) as builder:
        yield builder


def test_tables_are_in_a_file_of_the_home_that_has_no_name(own_lake, make, builder, warm):
    """
    The file is deleted while it is open, so nobody else can open the file, and a killed build leaves no file behind.
    """
    own_lake.land(make.referral("W1", "FW1"))
    builder.build(tests=False)

    (path,) = warm.session().execute(DATABASE).fetchone()
    assert own_lake.settings.home in Path(path).parents
    assert not Path(path).exists()


def test_build_that_needs_more_memory_runs_again_with_more(own_lake, make, builder, warm):
    """A build that runs out of memory is repeated with more memory, because outdated marts help nobody."""
    own_lake.land(make.referral("W2", "FW2"))
    session = warm.session()
    session.execute("SET memory_limit = '16MB'")
    (limited,) = session.execute(LIMIT).fetchone()

    assert builder.build(tests=True).ok
    assert warm.session().execute(LIMIT).fetchone() != (limited,)


@pytest.mark.parametrize(("said", "limit"), [("209715200\n", 200), ("max\n", None), (None, None)])
def test_memory_is_that_of_the_container(tmp_path, said, limit):
    file = tmp_path / "memory.max"
    if said is not None:
        file.write_text(said)

    assert machine_mb([file]) == (limit or machine_mb([]))


def test_build_takes_a_quarter_of_the_memory_unless_configured(settings):
    assert WarmDbt(settings).memory_mb == max(1_000, machine_mb() // 4)
    assert WarmDbt(replace(settings, build_memory_mb=700)).memory_mb == 700


def _use(parent: Path, ready) -> None:
    with work_folder(parent, "building-") as folder:
        (folder / "spilled").write_text("ids of families")
        ready.put(folder)
        signal.pause()


@pytest.mark.parametrize("is_killed", [True, False])
def test_folder_of_a_killed_process_is_removed_and_one_in_use_is_not(tmp_path, is_killed):
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Queue()
    other = spawn.Process(target=_use, args=(tmp_path, ready))
    other.start()
    used = ready.get()
    if is_killed:
        os.kill(other.pid, signal.SIGKILL)
        other.join()

    with work_folder(tmp_path, "building-") as own:
        assert own.stat().st_mode & 0o777 == 0o700
        assert used.exists() == (not is_killed)
    assert not own.exists()
    other.kill()
    other.join()
