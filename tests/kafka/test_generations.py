"""How a consumer reports offsets that no longer exist, and reads a topic that is recreated meanwhile."""

from contextlib import closing

import pytest
from kafka import OffsetAndMetadata, TopicPartition

from streams.contracts import Reason
from streams.contracts.record import Unreadable
from streams.kafka import client as kafka_client
from streams.kafka.client import admin, consumer, producer
from streams.kafka.generations import Generation
from streams.settings import Settings
from tests.kafka.segments import Log
from tests.kafka.test_topics import make


@pytest.fixture
def log(settings: Settings, kafka: str, monkeypatch: pytest.MonkeyPatch) -> Log:
    """A topic with one partition and ten records. Readers refresh their list of topics often."""
    monkeypatch.setattr(kafka_client, "_METADATA_MS", 500)
    log = Log(settings)
    write(log, range(10))
    return log


def write(log: Log, numbers: range) -> None:
    with closing(producer(log.settings)) as sender:
        for number in numbers:
            sender.send(log.topic, value=b"%d" % number, partition=0)
        sender.flush()


def delete(log: Log, before: int) -> None:
    with closing(admin(log.settings)) as client:
        client.delete_records({TopicPartition(log.topic, 0): before})


def read(reader, count: int) -> list[tuple[int, bytes | None]]:
    """Offsets and values of the next `count` records."""
    found = []
    while len(found) < count:
        found += [record for records in reader.poll(timeout_ms=200).values() for record in records]
    return [(one.offset, one.value) for one in found]


def test_offsets_that_were_deleted_are_given_with_the_reason(log: Log) -> None:
    delete(log, before=7)
    found = log.read(4)

    assert [one.offset for one in found] == [4, 5, 6, 7, 8, 9]
    assert [one.reason for one in found if isinstance(one, Unreadable)] == [Reason.DELETED_UNREAD] * 3


def test_reader_from_the_beginning_misses_nothing(log: Log) -> None:
    delete(log, before=7)
    with closing(consumer(log.settings, [log.topic])) as reader:
        assert read(reader, 3) == [(7, b"7"), (8, b"8"), (9, b"9")]


def test_numbers_continue_and_the_broker_is_asked_for_its_own(log: Log) -> None:
    """Six offsets belong to the topic's former generation, and the reader has read three of them."""
    delete(log, before=2)
    place = TopicPartition(log.topic, 0)
    generations = {log.topic: Generation("this one", (6,))}
    with closing(consumer(log.settings, generations=lambda _: generations, group_id=log.topic)) as reader:
        generations[log.topic] = Generation(reader.topic_ids([log.topic])[log.topic], (6,))
        reader.assign([place])
        reader.seek(place, 3)

        assert reader.beginning_offsets([place]) == {place: 8}
        assert reader.end_offsets([place]) == {place: 16}
        assert reader.position(place) == 3
        found = read(reader, 13)
        assert found[:5] == [(number, None) for number in range(3, 8)]
        assert found[5:] == [(number, b"%d" % (number - 6)) for number in range(8, 16)]
        assert reader.position(place) == 16
        assert reader.offsets_for_times({place: 1})[place].offset == 8
        reader.commit({place: OffsetAndMetadata(12, "", -1)})
        assert reader.committed(place) == 12
    with closing(consumer(log.settings, group_id=log.topic)) as reader:
        assert reader.committed(place) == 6


def test_topic_recreated_under_a_reader_is_read_from_its_beginning(log: Log) -> None:
    """The reader notices the recreation even if the topic already has more records than the deleted topic had."""
    place = TopicPartition(log.topic, 0)
    with closing(consumer(log.settings, [log.topic], group_id=log.topic)) as reader:
        read(reader, 10)
        reader.commit({place: OffsetAndMetadata(10, "", -1)})
        make(log.settings, log.topic, 1)
        write(log, range(100, 120))
        found = []
        while (0, b"100") not in found or (19, b"119") not in found:
            found += read(reader, 1)

        assert [one for one in found if one[0] < 10] == [(number, b"%d" % (100 + number)) for number in range(10)]
        assert reader.committed(place) is None
