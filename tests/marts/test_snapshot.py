"""Where a build stops reading."""

from datetime import UTC, datetime, timedelta

from streams.marts.snapshot import Landed, choose_snapshot, landed_offsets, store_snapshot
from streams.names import ALERTS, REFERRAL

NOW = datetime(2026, 6, 1, 12, 5, tzinfo=UTC)
FRESH = timedelta(seconds=60)


def chosen(lake):
    return choose_snapshot(lake.duckdb, NOW, FRESH, landed_offsets(lake.duckdb))


def test_without_a_watcher_the_cut_is_what_has_landed(lake, make):
    lake.land(make.contact(), make.contact(), partition=2)

    snapshot = chosen(lake)
    assert (snapshot.offsets, snapshot.as_of, snapshot.is_watched) == ({REFERRAL: [0, 0, 2]}, NOW, False)
    assert snapshot.records == 2


def test_latest_heartbeat_that_has_landed_whole_is_the_cut(lake, make):
    """A heartbeat names records that have not landed yet: the one before it counts."""
    lake.land(make.contact(), make.contact())
    lake.beat(NOW - timedelta(seconds=3), {REFERRAL: [1]})
    lake.beat(NOW - timedelta(seconds=2), {REFERRAL: [2, 0]})
    lake.beat(NOW - timedelta(seconds=1), {REFERRAL: [3, 0]})

    snapshot = chosen(lake)
    assert (snapshot.offsets, snapshot.as_of) == ({REFERRAL: [2, 0]}, NOW - timedelta(seconds=2))
    assert snapshot.is_watched


def test_late_heartbeat_of_a_watcher_that_was_paused_is_not_the_latest(lake, make):
    """It woke up, and says once more what was true before another one led."""
    lake.land(make.contact(), make.contact())
    lake.beat(NOW - timedelta(seconds=2), {REFERRAL: [2]})
    lake.beat(NOW - timedelta(seconds=1), {REFERRAL: [1]})

    assert chosen(lake).offsets == {REFERRAL: [2]}


def test_heartbeat_waits_for_its_alerts(lake, make):
    """The alerts that the watcher had written must have landed, too."""
    lake.land(make.contact())
    lake.beat(NOW, {REFERRAL: [1], ALERTS: [1]})

    assert not chosen(lake).is_watched


def test_stale_heartbeat_stops_nothing(lake, make):
    """When the watcher is silent the marts go on with what has landed."""
    lake.land(make.contact(), make.contact())
    lake.beat(NOW - FRESH - timedelta(seconds=1), {REFERRAL: [1]})

    assert chosen(lake).offsets == {REFERRAL: [2]}


def test_cut_is_replaced_as_a_whole(lake, make):
    for _ in range(2):
        lake.land(make.contact())
        snapshot = chosen(lake)
        store_snapshot(lake.duckdb, snapshot)

    assert lake.duckdb.execute("FROM marts.run.next_cut").fetchall() == [(REFERRAL, 0, 2)]
    assert lake.duckdb.execute("FROM marts.run.next_as_of").fetchall() == [(NOW.replace(tzinfo=None),)]


def test_cut_covers_what_it_has_seen(lake, make):
    lake.land(make.contact())
    snapshot = chosen(lake)
    assert snapshot.covers(landed_offsets(lake.duckdb))

    lake.land(make.contact(), partition=1)
    assert not snapshot.covers(landed_offsets(lake.duckdb))


def test_what_was_stored_since_is_added_to_what_had_landed(lake, make):
    """Rows that have been read are not read again, as those stored a day ago show."""
    landed = Landed(lake.duckdb)
    lake.land(make.contact(), partition=1)
    assert landed.offsets(datetime.now(UTC)) == {REFERRAL: [0, 1]}

    lake.land(make.contact(), partition=2)
    assert landed.offsets(datetime.now(UTC)) == landed_offsets(lake.duckdb) == {REFERRAL: [0, 1, 2]}

    lake.duckdb.execute("UPDATE landing.main.events SET landed_at = landed_at - INTERVAL 1 DAY, kafka_offset = 7")
    assert landed.offsets(datetime.now(UTC)) == {REFERRAL: [0, 1, 2]}
    assert landed.offsets(datetime.now(UTC), anew=True) == landed_offsets(lake.duckdb) == {REFERRAL: [0, 8, 8]}


def test_a_commit_that_took_long_is_seen_by_whoever_has_looked_meanwhile(lake, make):
    landed = Landed(lake.duckdb)
    lake.land(make.contact())
    landed.offsets(datetime.now(UTC))
    lake.land(make.contact())
    lake.duckdb.execute("UPDATE landing.main.events SET landed_at = landed_at - INTERVAL 30 MINUTE")

    assert landed.offsets(datetime.now(UTC)) == {REFERRAL: [2]}
