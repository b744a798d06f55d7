"""Reading a topic up to its end."""

from collections.abc import Iterator, Mapping

from kafka import KafkaConsumer, TopicPartition

from streams.kafka.records import Readable

__all__ = ["until"]


def until(reader: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> Iterator[Readable]:
    """Read records up to the given offsets."""
    while any(reader.position(partition) < end for partition, end in ends.items()):
        for records in reader.poll(timeout_ms=500).values():
            yield from records
