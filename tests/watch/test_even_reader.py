"""
Reading a real backlog: each record is read once and in partition order, and all partitions advance together in time.
"""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource

from streams import names
from streams.kafka.client import admin, consumer, partitions_of, producer
from streams.settings import Settings
from streams.watch import even_reader
from streams.watch.even_reader import EvenReader

BACKLOG = 40_000


@pytest.fixture
def backlog(settings: Settings, fresh_topics: str) -> Settings:
    """Topics that were written at the same time. One topic gets three times as many records as each of the others."""
    topics = [names.REFERRAL, names.CASE_CHANGE, names.CASE_CHANGE, names.CASE_CHANGE, names.ESCALATION]
    with closing(producer(settings, linger_ms=5)) as sender:
        for number in range(BACKLOG):
            topic = topics[number % len(topics)]
            sender.send(topic, key=str(number % 50).encode(), value=b"%500d" % number)
            if number % 2_000 == 0:
                sender.flush()  # spreads the arrival times, also on a fast machine
    return settings


@pytest.fixture
def reader(backlog: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvenReader]:
    """
    A reader at the beginning of the backlog. The reader often pauses partitions that are ahead of the others in time,
    and a poll often ends in the middle of a fetch.
    """
    monkeypatch.setattr(even_reader, "_AHEAD_RECORDS", 300)
    with closing(consumer(backlog)) as kafka:
        partitions = partitions_of(kafka, names.INPUT_TOPICS)
        kafka.assign(partitions)
        kafka.seek_to_beginning(*partitions)
        kafka.poll_bytes = 500_000
        reader = EvenReader(kafka, partitions)
        reader.start()
        yield reader


def _batches(reader: EvenReader) -> Iterator[list]:
    while reader.read_until() is not None:
        yield reader.poll(500)


def test_every_record_of_a_backlog_is_handed_out_once_and_in_partition_order(reader: EvenReader) -> None:
    """No record is lost while partitions wait for each other."""
    offsets: dict[TopicPartition, list[int]] = {}
    for batch in _batches(reader):
        for record in batch:
            offsets.setdefault(TopicPartition(record.topic, record.partition), []).append(record.offset)

    assert sum(map(len, offsets.values())) == BACKLOG
    assert all(found == list(range(len(found))) for found in offsets.values())


def test_no_partition_of_a_backlog_runs_ahead_of_another(reader: EvenReader) -> None:
    """A record is returned in the same batch as, or after, every record that arrived earlier on any partition."""
    batches = list(_batches(reader))
    newest = 0
    for batch in batches:
        assert all(record.timestamp >= newest for record in batch)
        newest = max([newest, *(record.timestamp for record in batch)])

    assert sum(bool(batch) for batch in batches) > 1


def test_position_does_not_include_waiting_records(reader: EvenReader) -> None:
    """A reader's position is the offset at which reading must go on after a crash."""
    partitions = {TopicPartition(topic, number) for topic in names.INPUT_TOPICS for number in range(2)}
    handed_out = dict.fromkeys(partitions, 0)
    for batch in _batches(reader):
        for record in batch:
            partition = TopicPartition(record.topic, record.partition)
            if partition in handed_out:
                handed_out[partition] = record.offset + 1
        assert {partition: reader.position(partition) for partition in partitions} == handed_out


def test_live_records_are_handed_out_as_they_come(reader: EvenReader, backlog: Settings) -> None:
    """Once the backlog has been read, no partition waits for another."""
    for _ in _batches(reader):
        pass
    with closing(producer(backlog)) as sender:
        sender.send(names.REFERRAL, key=b"1", value=b"live").get(10)
    polled = [record for _ in range(20) for record in reader.poll(500)]

    assert [record.value for record in polled] == [b"live"]
    assert reader.read_until() is None


def test_long_records_that_wait_for_another_partition_are_few(
    settings: Settings, fresh_topics: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records of one partition are a hundred times as long as they are on the broker."""
    monkeypatch.setattr(even_reader, "_AHEAD_BYTES", 2_000_000)
    long, short = TopicPartition(names.REFERRAL, 0), TopicPartition(names.REFERRAL, 1)
    with closing(producer(settings, compression_type="zstd", max_request_size=2**30)) as sender:
        for place, value in [*[(long, bytes(1_000_000))] * 60, (short, b"x"), (long, b"x")]:
            sender.send(place.topic, partition=place.partition, key=b"F", value=value).get(10)
    with closing(consumer(settings)) as kafka:
        kafka.assign([long, short])
        kafka.seek_to_beginning(long, short)
        kafka.poll_bytes = 4_000_000
        reader = EvenReader(kafka, [long, short])
        reader.start()
        found, waiting = 0, []
        for batch in _batches(reader):
            found += len(batch)
            waiting.append(kafka.position(long) - reader.position(long))

    assert found == 62
    assert 0 < max(waiting) <= 6


@pytest.fixture
def unstamped(settings: Settings, fresh_topics: str) -> Settings:
    """
    A topic that keeps its senders' timestamps (`CreateTime`). Most timestamps of one partition are wrong.

    The wrong timestamps are in seconds instead of milliseconds.
    """
    client = admin(settings)
    try:
        resource = ConfigResource("TOPIC", names.REFERRAL, {"message.timestamp.type": "CreateTime"})
        client.alter_configs([resource])
    finally:
        client.close()
    now = round(time.time() * 1000)
    with closing(producer(settings, linger_ms=5)) as sender:
        for partition in (0, 1):
            for number in range(1_000):
                sent_at = now // 1000 if number % 1_000 and partition == 0 else now
                sender.send(names.REFERRAL, key=b"F", value=b"x", partition=partition, timestamp_ms=sent_at)
    return settings


def test_timestamps_that_go_back_hold_up_no_partition(unstamped: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A paused partition must not be the partition for which all partitions, including itself, are waiting."""
    monkeypatch.setattr(even_reader, "_AHEAD_RECORDS", 300)
    with closing(consumer(unstamped, [names.REFERRAL], max_partition_fetch_bytes=4_000)) as kafka:
        reader = EvenReader(kafka, kafka.assignment())
        reader.start()
        found, end = 0, time.monotonic() + 30
        while found < 2_000 and time.monotonic() < end:
            found += len(reader.poll(200))

    assert found == 2_000
