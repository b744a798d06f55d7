"""
Records sent byte for byte, also those that no program should write: without key and value, with headers without a
value, with names of headers that are not UTF-8. kafka-python's producer refuses them before it serializes a record.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata
from kafka.serializer import Serializer

from streams.kafka.client import producer
from streams.kafka.header_name import HeaderName
from streams.settings import Settings

__all__ = ["Original", "send_verbatim", "verbatim_producer"]

_ANY_SIZE = 2**31 - 1


class Original(NamedTuple):
    """What a record consists of; of a header's name, bytes that are not UTF-8 are lone surrogates."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class _Verbatim(Serializer):
    def serialize(self, topic: str, headers: list, data: Original) -> bytes | None:  # noqa: ARG002
        """The value; takes the headers in, too."""
        headers[:] = [(HeaderName(name), content) for name, content in data.headers]
        return data.value


class _Headers(list):
    """Headers of which some may have no value: kafka-python would add up the lengths of those that it sees."""

    def __bool__(self) -> bool:
        return False


def verbatim_producer(settings: Settings) -> KafkaProducer:
    """
    A producer for `send_verbatim`: in order, each record in a batch of its own, so that one which is refused takes
    none with it; compressed, for a record may be longer than what the broker takes unpacked.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    return producer(
        settings,
        value_serializer=_Verbatim(),
        compression_type="zstd",
        batch_size=0,
        max_request_size=_ANY_SIZE,
        # A refused batch would fail an idempotent producer's others.
        enable_idempotence=False,
        max_in_flight_requests_per_connection=1,
    )


def send_verbatim(kafka: KafkaProducer, topic: str, record: Original) -> FutureRecordMetadata:
    """
    Hand a record over to be sent.

    Raises:
        KafkaError: it can never be sent, or the topic is not there.
    """
    return kafka.send(topic, key=record.key, value=record, headers=_Headers())
