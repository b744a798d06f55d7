"""Kafka clients with the settings that the delivery guarantees depend on."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import BrokerUnavailable
from streams.kafka.generations import Generations
from streams.kafka.login import login
from streams.kafka.reading import TolerantConsumer, all_partitions
from streams.settings import Settings

__all__ = ["admin", "consumer", "end_offsets", "partitions_of", "producer"]

_BOOTSTRAP_TIMEOUT_MS = 15_000
_METADATA_MS = 15_000
"""How many ms a consumer waits before it asks the broker again which partitions exist."""

T = TypeVar("T")


def admin(settings: Settings) -> KafkaAdminClient:
    """
    Return a client that creates and describes topics.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    return _connect(KafkaAdminClient, settings)


def producer(settings: Settings, **config: object) -> KafkaProducer:
    """
    Return a producer for records that must not be lost.

    A record is acknowledged when all in-sync replicas have it. The producer is idempotent, so each record is stored
    once and in order. The default partitioner hashes the key with murmur2, as Java's producer does. So the records of a
    family have the same partition number on every topic, whichever program wrote them.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    defaults = {"acks": "all", "max_request_size": 4 * settings.max_record_bytes, "allow_auto_create_topics": False}
    return _connect(KafkaProducer, settings, **(defaults | config))


def consumer(
    settings: Settings,
    topics: Iterable[str] = (),
    *,
    generations: Callable[[TolerantConsumer], Generations] | None = None,
    **config: object,
) -> TolerantConsumer:
    """
    Return a consumer that reads all partitions of `topics` from their beginning and commits no offsets by itself.

    The consumer skips the records of aborted transactions, so such a record never becomes an event. When partitions are
    added later, `poll` begins to read them. A caller that assigns partitions itself must call `partitions_of` again to
    find added partitions.

    Args:
        generations: a function that returns the generations of topics, which decide how records are numbered. A caller
            that compares offsets with the lake should use `numbered_consumer` instead.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    defaults = {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
        "metadata_max_age_ms": _METADATA_MS,
    }
    client = _connect(TolerantConsumer, settings, generations=generations, **(defaults | config))
    if topics := list(topics):
        client.follow(topics)
    return client


def partitions_of(client: KafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """Return all partitions of the topics, in order. A partition that was just added is included after some seconds."""
    return all_partitions(client, topics)


def end_offsets(settings: Settings, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """Return the offset that the next record of each partition will get, in Kafka's own numbering."""
    client = consumer(settings)
    try:
        return client.end_offsets(partitions_of(client, topics))
    finally:
        client.close()


def _connect(kind: Callable[..., T], settings: Settings, **config: object) -> T:
    try:
        return kind(
            bootstrap_servers=settings.bootstrap.split(","),
            **login(settings),
            **({"bootstrap_timeout_ms": _BOOTSTRAP_TIMEOUT_MS} | config),
        )
    except KafkaError as error:
        raise BrokerUnavailable(
            f"no Kafka broker answers at {settings.bootstrap}, or it refuses the login ({type(error).__name__}); "
            "start one with './caf up', or name another in CAF_KAFKA and its login in CAF_KAFKA_CONFIG"
        ) from error
