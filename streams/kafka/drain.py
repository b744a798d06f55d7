"""Read topics up to their present end, or skip to the end and read only records that arrive later."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from streams.kafka.client import consumer
from streams.kafka.records import Readable
from streams.settings import Settings

__all__ = ["is_past", "polled", "skip_to_end", "to_end", "until", "whole"]

_POLL_MS = 500


def polled(reader: KafkaConsumer, timeout_ms: int = _POLL_MS) -> Iterator[Any]:
    """Poll once, and yield the records. The poll waits at most `timeout_ms`."""
    for records in reader.poll(timeout_ms=timeout_ms).values():
        yield from records


def is_past(reader: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    """Return whether everything up to the given offsets has been read."""
    return all(reader.position(partition) >= end for partition, end in ends.items())


def until(reader: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> Iterator[Readable]:
    """Yield records up to the given offsets."""
    while not is_past(reader, ends):
        yield from polled(reader)


def to_end(reader: KafkaConsumer) -> Iterator[Any]:
    """Yield the records up to the offsets at which the topics end now."""
    return until(reader, reader.end_offsets(reader.assignment()))


def whole(settings: Settings, topics: Iterable[str], **config: Any) -> Iterator[Any]:
    """
    Yield all records of the topics, up to the offsets at which the topics end now.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(consumer(settings, topics, **config)) as reader:
        yield from to_end(reader)


def skip_to_end(reader: KafkaConsumer) -> None:
    """Move a consumer to the end of its partitions, so that it reads only records that arrive from now on."""
    for partition, end in reader.end_offsets(reader.assignment()).items():
        reader.seek(partition, end)
