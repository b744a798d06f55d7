"""The offsets up to which a build reads."""

from datetime import UTC, datetime, timedelta

from streams.marts.snapshot import Landed, choose_snapshot, landed_offsets, store_snapshot
from streams.names import ALERTS, REFERRAL

NOW = datetime(2026, 6, 1, 12, 5, tzinfo=UTC)
FRESH = timedelta(seconds=60)


def chosen(lake):
    return choose_snapshot(lake.duckdb, NOW, FRESH, landed_offsets(lake.duckdb))


def test_without_a_watcher_the_snapshot_is_what_has_landed(lake, make):
    lake.land(make.contact(), make.contact(), partition=2)

    snapshot = chosen(lake)
    assert (snapshot.offsets, snapshot.as_of, snapshot.is_watched) == ({REFERRAL: [0, 0, 2]}, NOW, False)
    assert snapshot.records == 2


def test_snapshot_is_the_latest_heartbeat_that_has_landed_whole(lake, make):
    """The last heartbeat covers records that have not landed yet, so the build uses the heartbeat before it."""
    lake.land(make.contact(), make.contact())
    lake.beat(NOW - timedelta(seconds=3), {REFERRAL: [1]})
    lake.beat(NOW - timedelta(seconds=2), {REFERRAL: [2, 0]})
    lake.beat(NOW - timedelta(seconds=1), {REFERRAL: [3, 0]})

    snapshot = chosen(lake)
    assert (snapshot.offsets, snapshot.as_of) == ({REFERRAL: [2, 0]}, NOW - timedelta(seconds=2))
    assert snapshot.is_watched


def test_late_heartbeat_of_a_watcher_that_was_paused_is_not_the_latest(lake, make):
    """A watcher wakes up and publishes a heartbeat from before another watcher became leader."""
    lake.land(make.contact(), make.contact())
    lake.beat(NOW - timedelta(seconds=2), {REFERRAL: [2]})
    lake.beat(NOW - timedelta(seconds=1), {REFERRAL: [1]})

    assert chosen(lake).offsets == {REFERRAL: [2]}


def test_heartbeat_waits_for_its_alerts(lake, make):
    """The alerts that the heartbeat covers must have landed as well."""
    lake.land(make.contact())
    lake.beat(NOW, {REFERRAL: [1], ALERTS: [1]})

    assert not chosen(lake).is_watched


def test_stale_heartbeat_stops_nothing(lake, make):
    """If no fresh heartbeat exists, a build uses all landed records."""
    lake.land(make.contact(), make.contact())
    lake.beat(NOW - FRESH - timedelta(seconds=1), {REFERRAL: [1]})

    assert chosen(lake).offsets == {REFERRAL: [2]}


def test_snapshot_is_replaced_as_a_whole(lake, make):
    for _ in range(2):
        lake.land(make.contact())
        snapshot = chosen(lake)
        store_snapshot(lake.duckdb, snapshot)

    assert lake.duckdb.execute("FROM marts.run.next_cut").fetchall() == [(REFERRAL, 0, 2)]
    assert lake.duckdb.execute("FROM marts.run.next_as_of").fetchall() == [(NOW.replace(tzinfo=None),)]


def test_snapshot_covers_the_offsets_it_has_read(lake, make):
    lake.land(make.contact())
    snapshot = chosen(lake)
    assert snapshot.covers(landed_offsets(lake.duckdb))

    lake.land(make.contact(), partition=1)
    assert not snapshot.covers(landed_offsets(lake.duckdb))


def test_newly_stored_rows_are_added_to_the_landed_offsets(lake, make):
    """
    Rows that were read once are not read again.

    To show this, the test changes these rows and moves them to the day before.
    """
    landed = Landed(lake.duckdb)
    lake.land(make.contact(), partition=1)
    assert landed.offsets(datetime.now(UTC)) == {REFERRAL: [0, 1]}

    lake.land(make.contact(), partition=2)
    assert landed.offsets(datetime.now(UTC)) == landed_offsets(lake.duckdb) == {REFERRAL: [0, 1, 2]}

    lake.duckdb.execute("UPDATE landing.main.events SET landed_at = landed_at - INTERVAL 1 DAY, kafka_offset = 7")
    assert landed.offsets(datetime.now(UTC)) == {REFERRAL: [0, 1, 2]}
    assert landed.offsets(datetime.now(UTC), anew=True) == landed_offsets(lake.duckdb) == {REFERRAL: [0, 8, 8]}


def test_slow_commit_is_seen_after_a_reader_has_looked_meanwhile(lake, make):
    landed = Landed(lake.duckdb)
    lake.land(make.contact())
    landed.offsets(datetime.now(UTC))
    lake.land(make.contact())
    lake.duckdb.execute("UPDATE landing.main.events SET landed_at = landed_at - INTERVAL 30 MINUTE")

    assert landed.offsets(datetime.now(UTC)) == {REFERRAL: [2]}
