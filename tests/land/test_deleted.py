"""
Records that Kafka deleted before they landed are listed, singly or as a range. Landed records do not count as lost.
"""

import threading
import time
from contextlib import closing

import pytest
from kafka import TopicPartition

from streams import names
from streams.errors import LakeConflict
from streams.kafka.client import admin, consumer, end_offsets, producer
from streams.lake.connect import connect
from streams.land import lander, run
from streams.land.replay import select
from streams.land.verify import verify_offsets
from streams.settings import Settings

PLACE = TopicPartition(names.REFERRAL, 0)
LOST = "SELECT kafka_offset, reason, allowed FROM landing.main.quarantine WHERE topic = 'caf.referral.v1' ORDER BY ALL"


def delete(settings: Settings, *, before: int, place: TopicPartition = PLACE) -> None:
    """Let the broker delete the first records of a partition, as retention or `kafka-delete-records` does."""
    with closing(admin(settings)) as client:
        client.delete_records({place: before})


def test_lander_that_was_away_lists_each_deleted_record(lake_settings, contact, send, rows) -> None:
    """`verify` finds no difference, dead letters are written, and no record can be replayed."""
    send([contact(number) for number in range(10)], partition=0)
    run(lake_settings, once=True)
    send([contact(number) for number in range(10, 20)], partition=0)
    delete(lake_settings, before=13)
    run(lake_settings, once=True)
    run(lake_settings, once=True)

    found = rows(LOST)
    assert [row[:2] for row in found] == [(offset, "deleted_unread") for offset in (10, 11, 12)]
    assert "retention" in found[0][2]
    assert rows("SELECT count(*), max(kafka_offset) FROM landing.main.events") == [(17, 19)]
    verified = verify_offsets(lake_settings)
    assert (verified.differences, verified.lost) == ([], 3)
    assert rows("SELECT count(*) FROM landing.main.dead_letters") == [(3,)]
    assert select(lake_settings) == []


def test_long_range_of_deleted_records_is_bounded(lake_settings, contact, send, rows) -> None:
    send([contact(1)], partition=0)
    run(lake_settings, once=True)
    send([contact(number) for number in range(1_500)], partition=0)
    delete(lake_settings, before=1_401)
    run(lake_settings, once=True)
    run(lake_settings, once=True)  # lands the dead letters

    found = rows(LOST)
    assert [row[0] for row in found] == [*range(1, 101), 1_400]
    assert found[-1][2].endswith("; offsets 101 to 1400")
    verified = verify_offsets(lake_settings)
    assert (verified.differences, verified.lost) == ([], 1_400)


def test_running_lander_lists_deleted_records(lake_settings, contact, send, rows, monkeypatch) -> None:
    """`land` is held up while Kafka deletes records. Records that `land` has already fetched are not lost."""
    held, goes_on = threading.Event(), threading.Event()
    poll = lander.Lander._poll

    def slow(self) -> None:
        if held.is_set():
            goes_on.wait(60)
        poll(self)

    monkeypatch.setattr(lander.Lander, "_poll", slow)
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(lake_settings,), kwargs={"until": stop.is_set}, daemon=True)
    thread.start()
    try:
        send([contact(number) for number in range(5)], partition=0)
        while rows("SELECT count(*) FROM landing.main.events") != [(5,)]:
            time.sleep(0.1)
        held.set()
        time.sleep(1)  # until the pending fetch has returned without records
        with closing(producer(lake_settings, linger_ms=0)) as sender:
            for number in range(5, 4_000):
                key, value = contact(number, remarks="x" * 3_000)
                sender.send(names.REFERRAL, key=key, value=value, partition=0)
        delete(lake_settings, before=3_990)
        goes_on.set()
        while rows("SELECT max(kafka_offset) FROM landing.main.events") != [(3_999,)]:
            time.sleep(0.1)
    finally:
        held.clear()
        goes_on.set()
        stop.set()
        thread.join()

    verified = verify_offsets(lake_settings)
    events = rows("SELECT count(*) FROM landing.main.events")[0][0]
    assert verified.differences == []
    assert verified.lost > 0
    assert events + verified.lost == 4_000


def test_partition_from_which_nothing_had_landed(lake_settings, contact, send, rows) -> None:
    """Records that were deleted before the lake existed do not count as lost. Records deleted afterwards do."""
    send([contact(number) for number in range(4)], partition=0)
    delete(lake_settings, before=2)
    run(lake_settings, once=True)
    send([contact(number) for number in range(4)], partition=1)
    delete(lake_settings, before=3, place=TopicPartition(names.REFERRAL, 1))
    run(lake_settings, once=True)
    run(lake_settings, once=True)  # lands the dead letters

    lost = rows("SELECT kafka_partition, kafka_offset FROM landing.main.quarantine ORDER BY ALL")
    assert lost == [(1, 0), (1, 1), (1, 2)]
    assert verify_offsets(lake_settings).differences == []


def test_markers_behind_the_last_record_are_not_lost(lake_settings, contact, rows, monkeypatch) -> None:
    """
    The end of a transaction has an offset but no row. Retention deletes these markers from a quiet partition as well.
    """
    monkeypatch.setattr(lander, "_SHOW_SECONDS", 0.0)
    key, value = contact(1)
    with closing(producer(lake_settings, transactional_id="partner")) as sender:
        sender.init_transactions()
        for ends in (sender.commit_transaction, sender.abort_transaction):
            sender.begin_transaction()
            sender.send(names.REFERRAL, key=key, value=value, partition=0)
            sender.flush()
            ends()
    end = end_offsets(lake_settings, [names.REFERRAL])[PLACE]
    with closing(consumer(lake_settings, group_id=names.LAND_GROUP)) as group:
        run(lake_settings, until=lambda: group.committed(PLACE) == end)
    delete(lake_settings, before=end)
    run(lake_settings, once=True)

    assert rows(LOST) == []
    assert verify_offsets(lake_settings).differences == []


def test_a_topic_that_has_lost_its_end_is_refused(lake_settings, contact, send, rows) -> None:
    """
    A topic can lose its last records in an unclean leader election.

    The topic's next records would get the offsets of existing rows.
    """
    send([contact(number) for number in range(5)], partition=0)
    run(lake_settings, once=True)
    with connect(lake_settings, landing="read_write", marts=None) as lake:
        lake.execute("UPDATE landing.main.events SET kafka_offset = 9 WHERE kafka_offset = 4")

    with pytest.raises(LakeConflict, match="has lost its end"):
        run(lake_settings, once=True)
    assert rows("SELECT count(*) FROM landing.main.events") == [(5,)]


def test_a_running_lander_notices_that_a_topic_ends_before_it(lake_settings, contact, send, monkeypatch) -> None:
    """
    `land` notices the missing records even if no new record arrives.

    The Kafka library sets a reader beyond the end back to the beginning.
    """
    send([contact(number) for number in range(5)], partition=0)
    run(lake_settings, once=True)
    poll, turns = lander.Lander._poll, iter(range(1_000))

    def beyond(self) -> None:
        if next(turns) == 3:
            self._kafka.seek(PLACE, 50)
        poll(self)

    monkeypatch.setattr(lander.Lander, "_poll", beyond)
    with pytest.raises(LakeConflict, match="has lost its end while it was landed"):
        run(lake_settings, for_seconds=120)
