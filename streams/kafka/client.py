"""Producers and consumers with the settings that the delivery promises rest on."""

from collections.abc import Iterable
from typing import TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import BrokerUnavailable
from streams.kafka.bounded import BoundedConsumer
from streams.kafka.headers import read_any_header
from streams.settings import Settings

__all__ = ["admin", "consumer", "end_offsets", "partitions_of", "producer"]

_BOOTSTRAP_TIMEOUT_MS = 15_000

T = TypeVar("T")


def admin(settings: Settings) -> KafkaAdminClient:
    """
    A client that creates and describes topics.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    return _connect(KafkaAdminClient, settings)


def producer(settings: Settings, **config: object) -> KafkaProducer:
    """
    A producer whose acknowledged records are on all in-sync replicas, once and in order (idempotent).

    The default partitioner hashes the key with murmur2, as Java's does, so a family has one partition number on every
    topic whoever writes it.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    defaults = {"acks": "all", "max_request_size": 4 * settings.max_record_bytes, "allow_auto_create_topics": False}
    return _connect(KafkaProducer, settings, **(defaults | config))


def consumer(settings: Settings, topics: Iterable[str] = (), **config: object) -> KafkaConsumer:
    """
    A consumer that is assigned all partitions of `topics`, from their beginning, and commits nothing by itself.

    It sees committed records only, so an aborted transaction of a partner's producer is not an event.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    read_any_header()
    defaults = {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
    }
    client = _connect(BoundedConsumer, settings, **(defaults | config))
    if topics := list(topics):
        assigned = partitions_of(client, topics)
        client.assign(assigned)
        client.seek_to_beginning(*assigned)
    return client


def partitions_of(client: KafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """All partitions of the topics, in order."""
    return [
        TopicPartition(topic, number) for topic in topics for number in sorted(client.partitions_for_topic(topic) or ())
    ]


def end_offsets(settings: Settings, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """The offset that the next record of each partition will get."""
    client = consumer(settings)
    try:
        return client.end_offsets(partitions_of(client, topics))
    finally:
        client.close()


def _connect(kind: type[T], settings: Settings, **config: object) -> T:
    try:
        return kind(
            bootstrap_servers=settings.bootstrap.split(","), bootstrap_timeout_ms=_BOOTSTRAP_TIMEOUT_MS, **config
        )
    except KafkaError as error:
        raise BrokerUnavailable(
            f"no Kafka broker answers at {settings.bootstrap} ({type(error).__name__}); "
            "start one with './caf up', or name another in CAF_KAFKA"
        ) from error
