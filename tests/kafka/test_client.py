"""Producers, consumers and topics on the real broker."""

from contextlib import closing

import pytest
from kafka.partitioner.default import murmur2

from streams import names
from streams.contracts.record import record_bytes
from streams.kafka.bounded import POLL_BYTES
from streams.kafka.client import consumer, end_offsets, producer
from streams.kafka.topics import topic_configs
from streams.settings import Settings


class Undecodable(str):
    """A header name whose encoded bytes are not UTF-8."""

    def encode(self, *_: object) -> bytes:
        return b"\xff\xfe"


def test_a_header_name_that_is_not_utf8_does_not_block_its_partition(settings: Settings, fresh_topics: str) -> None:
    client = producer(settings)
    client.send(names.REFERRAL, key=b"F-1", value=b"first", headers=[(Undecodable("x"), b"1")])
    client.send(names.REFERRAL, key=b"F-1", value=b"second")
    client.flush()
    client.close()

    reader = consumer(settings, [names.REFERRAL])
    values = []
    while len(values) < 2:
        values += [record.value for records in reader.poll(timeout_ms=1_000).values() for record in records]
    reader.close()

    assert values == [b"first", b"second"]


def test_a_key_has_one_partition_number_on_every_keyed_topic(settings: Settings, fresh_topics: str) -> None:
    client = producer(settings)
    keys = [f"F-{number}".encode() for number in range(40)]
    sent = {
        key: {
            client.send(topic, key=key, value=b"{}").get(10).partition for topic in (*names.INPUT_TOPICS, names.ALERTS)
        }
        for key in keys
    }
    client.close()

    # Java's default partitioner takes the positive part of murmur2 modulo the number of partitions.
    assert sent == {key: {(murmur2(key) & 0x7FFFFFFF) % settings.partitions} for key in keys}


def test_every_topic_is_created_with_its_partitions(settings: Settings, fresh_topics: str) -> None:
    configs = topic_configs(settings)

    ends = end_offsets(settings, configs)

    assert {name: config["num_partitions"] for name, config in configs.items()} == {
        name: sum(place.topic == name for place in ends) for name in configs
    }


def test_the_broker_decides_when_a_record_arrived(settings: Settings, fresh_topics: str) -> None:
    client = producer(settings)
    claimed = 1_000_000_000_000
    client.send(names.REFERRAL, key=b"F-1", value=b"{}", timestamp_ms=claimed)
    client.flush()
    client.close()

    reader = consumer(settings, [names.REFERRAL])
    found = []
    while not found:
        found = [record for records in reader.poll(timeout_ms=1_000).values() for record in records]
    reader.close()

    assert found[0].timestamp > claimed


@pytest.mark.parametrize("where", ["key", "value", "headers"])
def test_a_poll_gives_no_more_bytes_than_fit_into_memory(settings: Settings, fresh_topics: str, where: str) -> None:
    """
    A hundred records of 2 MB fit into one fetch of a few hundred kilobytes, because they are compressed.

    All records arrive, but each poll returns only some of them.
    """
    with closing(producer(settings, compression_type="gzip", max_request_size=2**30)) as client:
        for number in range(100):
            long = b"%04d" % number * 500_000
            content = {"key": b"F-1", "value": b"1"} | {where: [("h", long)] if where == "headers" else long}
            client.send(names.REFERRAL, partition=number % 2, **content)
    with closing(consumer(settings, [names.REFERRAL], max_poll_records=10_000)) as reader:
        found, sizes = [], []
        while len(found) < 100:
            polled = [record for records in reader.poll(timeout_ms=1_000).values() for record in records]
            found += [one.headers[0][1][:4] if where == "headers" else getattr(one, where)[:4] for one in polled]
            sizes.append(sum(map(record_bytes, polled)))

    assert sorted(found) == [b"%04d" % number for number in range(100)]
    assert max(sizes) < POLL_BYTES + 2_001_000
