"""
A build on Spark publishes the same tables as the plain build, on one machine and on a cluster that loses a
worker.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from streams.lake.connect import connect
from streams.marts.builder import Builder
from streams.nation.build import NationMaker
from streams.stack import processes, spark
from tests.nation.conftest import Nation
from tests.published import FRESH, published

pytestmark = pytest.mark.long


def built(nation: Nation, master: str, say: Callable[[str], None] = lambda _: None) -> NationMaker:
    """Build on Spark without data tests, because the plain build of this lake ran none."""
    warm = NationMaker(nation.settings, master, say)
    with warm.working(), Builder(nation.settings, fresh_seconds=FRESH, warm=warm) as builder:
        builder.build(tests=False)
    return warm


def differences(nation: Nation) -> list[str]:
    """List the published tables whose columns, types or rows differ from the plain build."""
    with connect(nation.settings) as lake:
        bags, columns = published(lake)
    names = sorted(bags.keys() | nation.plain.keys())
    return [
        name
        for name in names
        if bags.get(name) != nation.plain.get(name) or columns.get(name) != nation.columns.get(name)
    ]


def test_families_of_three_authorities_make_the_tables_of_the_plain_build(nation):
    """Every published table is the same, including alerts and numbers of events."""
    told = []
    warm = built(nation, "local[2]", told.append)

    assert differences(nation) == []
    assert len(nation.plain) > 60
    alerts = {name for name, rows in nation.plain.items() if ".alert_" in name and rows}
    assert {"alerts.alert_adult_returns", "alerts.alert_out_of_hours", "alerts.alert_unreadable_report"} <= alerts
    assert len(alerts) > 12
    assert warm.made.shards >= 6
    assert any("tables of the shards" in line for line in told)
    with connect(nation.settings) as lake:
        ok, events = lake.execute("SELECT ok, rows FROM marts.run.builds ORDER BY started_at DESC LIMIT 1").fetchone()
    assert ok
    assert events > warm.made.events > 0


def test_what_a_killed_build_has_left_is_removed_by_the_next_and_what_one_needs_is_not(nation, tmp_path):
    """The files of a build contain family ids, so a later build removes files that no running build uses."""
    settings = replace(nation.settings, spark_folder=str(tmp_path))
    left = tmp_path / "build-of-one-that-was-killed"
    left.mkdir()
    (left / "shard.parquet").touch()
    with NationMaker(settings, "local[1]", print).working():
        (in_use,) = tmp_path.iterdir()
        with NationMaker(settings, "local[1]", print).working():
            assert in_use.exists()

    assert not list(tmp_path.iterdir())


def test_a_worker_that_dies_costs_time_and_nothing_else(nation):
    """
    A worker and all its processes are killed while shards are made. The other worker makes the shards of the killed
    worker again.
    """
    killed = []

    def kill(line: str) -> None:
        if "tables of the shards" in line and not killed:
            killed.extend(processes.members(nation.settings.home, "spark-worker-1"))
            for process in killed:
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    with spark.cluster(nation.settings, workers=2, say=lambda _: None) as master:
        built(nation, master, kill)

    assert killed
    assert differences(nation) == []
