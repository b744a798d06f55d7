"""Partitions that are added while a reader runs are read from their beginning."""

import time
from contextlib import closing

import pytest
from kafka.admin import NewPartitions

from streams.kafka import client as kafka_client
from streams.kafka.client import admin, consumer, producer
from streams.settings import Settings
from streams.tell.cursor import Cursor
from tests.kafka.segments import Log


@pytest.fixture(autouse=True)
def _asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers ask for new partitions every half second, so that no test waits long."""
    monkeypatch.setattr(kafka_client, "_METADATA_MS", 500)


def grow(settings: Settings, *topics: str, to: int) -> None:
    with closing(admin(settings)) as client:
        client.create_partitions({topic: NewPartitions(total_count=to) for topic in topics})


def send(settings: Settings, topic: str, partition: int, value: bytes) -> None:
    with closing(producer(settings)) as sender:
        sender.send(topic, value=value, partition=partition).get(30)


def test_reader_takes_on_added_partitions(settings: Settings, kafka: str) -> None:
    log = Log(settings)
    send(settings, log.topic, 0, b"before")
    with closing(consumer(settings, [log.topic])) as reader:
        found = []
        while len(found) < 1:
            found += [record.value for records in reader.poll(timeout_ms=200).values() for record in records]
        grow(settings, log.topic, to=3)
        send(settings, log.topic, 2, b"added")
        send(settings, log.topic, 0, b"as ever")
        while len(found) < 3:
            found += [record.value for records in reader.poll(timeout_ms=200).values() for record in records]

    assert sorted(found) == [b"added", b"as ever", b"before"]


def test_cursor_takes_on_added_partitions_and_resumes_in_them(settings: Settings, kafka: str, postgres: object) -> None:
    log = Log(settings)
    with closing(Cursor(settings, log.topic, log.topic)) as cursor:
        grow(settings, log.topic, to=2)
        send(settings, log.topic, 1, b"first")
        found = []
        while not found:
            found += [record.value for record in cursor.read()]
        cursor.done()
    send(settings, log.topic, 1, b"second")
    with closing(Cursor(settings, log.topic, log.topic)) as cursor:
        while len(found) < 2:
            found += [record.value for record in cursor.read()]

    assert found == [b"first", b"second"]


def test_cursor_reads_a_partition_that_was_added_while_it_was_away(
    settings: Settings, kafka: str, postgres: object
) -> None:
    log = Log(settings)
    with closing(Cursor(settings, log.topic, log.topic)):
        pass
    grow(settings, log.topic, to=2)
    time.sleep(0.5)
    send(settings, log.topic, 1, b"meanwhile")
    with closing(Cursor(settings, log.topic, log.topic)) as cursor:
        found = []
        while not found:
            found += [record.value for record in cursor.read()]

    assert found == [b"meanwhile"]
