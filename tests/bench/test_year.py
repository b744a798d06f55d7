"""When `./caf bench year` considers a year finished, tested on tables in the form in which the stack leaves them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from streams.bench.year import _builds, _evaluated, _wait
from streams.errors import StackFailed
from streams.names import REFERRAL

START = datetime(2026, 6, 1, 12, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    """Catalogs in memory with the names of the lake's catalogs."""
    with duckdb.connect() as made:
        made.execute("ATTACH ':memory:' AS marts; ATTACH ':memory:' AS landing; CREATE SCHEMA marts.run")
        made.execute("CREATE TABLE landing.main.heartbeats (kafka_offset BIGINT, received_at TIMESTAMP, "
                     "offsets MAP(VARCHAR, BIGINT[]))")  # fmt: skip
        yield made


def write_builds(lake, *builds):
    lake.execute("CREATE TABLE marts.run.builds (started_at TIMESTAMP, finished_at TIMESTAMP, rows BIGINT, "
                 "is_watched BOOLEAN, ok BOOLEAN)")  # fmt: skip
    for number, (rows, is_watched, ok) in enumerate(builds):
        began = START + timedelta(minutes=number)
        lake.execute("INSERT INTO marts.run.builds VALUES (?, ?, ?, ?, ?)", [began, began, rows, is_watched, ok])


def beat(lake, number, offsets):
    at = START + timedelta(seconds=number)
    lake.execute("INSERT INTO landing.main.heartbeats VALUES (?, ?, map([?], [?]))", [number, at, REFERRAL, offsets])
    return at


def test_before_the_first_build_there_is_none(lake):
    assert _builds(lake) == []


def test_year_ends_with_the_first_build_of_all_records_at_the_watchers_cut(lake, settings):
    """
    Three kinds of builds do not count: with half the records, with records that had only landed, and failed
    builds.
    """
    write_builds(lake, (4, True, True), (8, False, True), (8, True, False), (8, True, True), (8, True, True))

    builds = _wait(settings, lake, 8, print)

    assert [build[2:] for build in builds] == [(4, True), (8, False), (8, True)]


def test_judged_is_the_first_heartbeat_after_all_records(lake):
    beat(lake, 0, [3, 4])
    evaluated = beat(lake, 1, [4, 4])
    beat(lake, 2, [4, 4])

    assert _evaluated(lake, 8) == evaluated
    with pytest.raises(StackFailed):
        _evaluated(lake, 9)
