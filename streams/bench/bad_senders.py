"""Send bad records from several processes. Each process has a producer for each codec, and one for transactions."""

import itertools
import multiprocessing
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.pool import AsyncResult

from confluent_kafka import KafkaException, Producer

from streams import names
from streams.bench.bad_records import BadRecord, BadRecords
from streams.kafka.client import end_offsets, producer
from streams.kafka.login import librdkafka_login
from streams.settings import Settings

__all__ = ["mark_ends", "sending"]

_CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
_PROCESSES = 2
_TRANSACTION = 50
"""Number of records in a transaction. Each process sends one transaction after every `_ONE_IN` other records."""
_ONE_IN = 5_000


@contextmanager
def sending(settings: Settings, count: int, seed: int) -> Iterator[AsyncResult[list[int]]]:
    """
    Send `count` records from several processes. Yield the result, which may not be ready yet.

    The result lists how many records of each process reached the topics.
    """
    shares = [count // _PROCESSES + (number < count % _PROCESSES) for number in range(_PROCESSES)]
    with multiprocessing.get_context("spawn").Pool(_PROCESSES) as pool:
        yield pool.starmap_async(_send, [(settings, share, seed + number) for number, share in enumerate(shares)])


def mark_ends(settings: Settings) -> None:
    """
    Send one more bad record to every partition.

    Consumers do not see records of an aborted transaction. If the last record of a partition were such a record, no
    consumer could reach the end of the partition.
    """
    with closing(producer(settings)) as client:
        for place in end_offsets(settings, names.INPUT_TOPICS):
            client.send(place.topic, partition=place.partition, key=b"F-0", value=b"end").get(timeout=60)


def _send(settings: Settings, count: int, seed: int) -> int:
    producers = [_producer(settings, codec) for codec in _CODECS]
    in_turn, packing = itertools.cycle(producers), itertools.cycle(producers[1:])
    transactional = _producer(settings, "none", {"transactional.id": f"partner-{seed}"})
    transactional.init_transactions()
    records, sent = BadRecords(seed, settings.authority), 0
    lost: list[object] = []
    while sent < count:
        for record in records.take(min(_ONE_IN, count - sent)):
            _produce(next(packing if record.is_large else in_turn), record, lost)
        sent = min(count, sent + _ONE_IN)
        _abort(transactional, records)
    for one in producers:
        one.flush()
    return count - len(lost)


def _producer(settings: Settings, codec: str, config: dict[str, str] | None = None) -> Producer:
    return Producer(
        {
            **librdkafka_login(settings),
            "bootstrap.servers": settings.bootstrap,
            "compression.type": codec,
            "message.max.bytes": 100_000_000,
            "linger.ms": 20,
            "acks": "all",
            **(config or {}),
        }
    )


def _produce(producer: Producer, record: BadRecord, lost: list[object]) -> None:
    def told(error: object, _: object) -> None:
        if error is not None:
            lost.append(error)

    while True:
        try:
            producer.produce(record.topic, record.value, record.key, headers=[*record.headers], on_delivery=told)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _abort(producer: Producer, records: BadRecords) -> None:
    """Send records in a transaction, and abort it. The records have offsets, but consumers do not see them."""
    try:
        producer.begin_transaction()
        for record in records.take(_TRANSACTION):
            _produce(producer, record, [])
        producer.flush()
        producer.abort_transaction()
    except KafkaException:  # a busy broker may fail to finish the transaction; partners have this problem as well
        return
