"""Reading a real backlog: every record once, in partition order, and no partition ahead of another in time."""

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
    """Topics that were written side by side. One gets six times as many records as another."""
    topics = [names.REFERRAL, names.CASE_CHANGE, names.CASE_CHANGE, names.CASE_CHANGE, names.ESCALATION]
    with closing(producer(settings, linger_ms=5)) as sender:
        for number in range(BACKLOG):
            topic = topics[number % len(topics)]
            sender.send(topic, key=str(number % 50).encode(), value=b"%500d" % number)
            if number % 2_000 == 0:
                sender.flush()  # spreads the arrival times, also on a quick machine
    return settings


@pytest.fixture
def reader(backlog: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvenReader]:
    """A reader at the beginning of the backlog, which often pauses the partitions that are ahead."""
    monkeypatch.setattr(even_reader, "_AHEAD_RECORDS", 300)
    with closing(consumer(backlog)) as kafka:
        partitions = partitions_of(kafka, names.INPUT_TOPICS)
        kafka.assign(partitions)
        kafka.seek_to_beginning(*partitions)
        reader = EvenReader(kafka, partitions)
        reader.start()
        yield reader


def _batches(reader: EvenReader) -> Iterator[list]:
    while reader.read_until() is not None:
        yield reader.poll(500)


def test_every_record_of_a_backlog_is_handed_out_once_and_in_partition_order(reader: EvenReader) -> None:
    """Nothing is lost while partitions wait for each other."""
    offsets: dict[TopicPartition, list[int]] = {}
    for batch in _batches(reader):
        for record in batch:
            offsets.setdefault(TopicPartition(record.topic, record.partition), []).append(record.offset)

    assert sum(map(len, offsets.values())) == BACKLOG
    assert all(found == list(range(len(found))) for found in offsets.values())


def test_no_partition_of_a_backlog_runs_ahead_of_another(reader: EvenReader) -> None:
    """A record is returned together with, or after, every record that arrived before it on any partition."""
    batches = list(_batches(reader))
    newest = 0
    for batch in batches:
        assert all(record.timestamp >= newest for record in batch)
        newest = max([newest, *(record.timestamp for record in batch)])

    assert sum(bool(batch) for batch in batches) > 1


def test_position_does_not_include_waiting_records(reader: EvenReader) -> None:
    """A position is where reading must go on after a crash."""
    partitions = {TopicPartition(topic, number) for topic in names.INPUT_TOPICS for number in range(2)}
    handed_out = dict.fromkeys(partitions, 0)
    for batch in _batches(reader):
        for record in batch:
            partition = TopicPartition(record.topic, record.partition)
            if partition in handed_out:
                handed_out[partition] = record.offset + 1
        assert {partition: reader.position(partition) for partition in partitions} == handed_out


def test_live_records_are_handed_out_as_they_come(reader: EvenReader, backlog: Settings) -> None:
    """After the backlog, no partition waits for another."""
    for _ in _batches(reader):
        pass
    with closing(producer(backlog)) as sender:
        sender.send(names.REFERRAL, key=b"1", value=b"live").get(10)
    polled = [record for _ in range(20) for record in reader.poll(500)]

    assert [record.value for record in polled] == [b"live"]
    assert reader.read_until() is None


@pytest.fixture
def unstamped(settings: Settings, fresh_topics: str) -> Settings:
    """A recreated topic that takes its senders' timestamps. One sender counts in seconds."""
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
    """A paused partition must not be the one that the others, and itself, are waiting for."""
    monkeypatch.setattr(even_reader, "_AHEAD_RECORDS", 300)
    with closing(consumer(unstamped, [names.REFERRAL], max_partition_fetch_bytes=4_000)) as kafka:
        reader = EvenReader(kafka, kafka.assignment())
        reader.start()
        found, end = 0, time.monotonic() + 30
        while found < 2_000 and time.monotonic() < end:
            found += len(reader.poll(200))

    assert found == 2_000
