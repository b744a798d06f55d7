"""
Send records byte for byte, even those that no program should write.

Such records have no key and value, headers without a value, or header names that are not UTF-8. kafka-python's producer
refuses them before it serializes a record.
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
    """The content of a record. In a header's name, bytes that are not UTF-8 are lone surrogates."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class _Verbatim(Serializer):
    def serialize(self, topic: str, headers: list[tuple[str, bytes | None]], data: Original) -> bytes | None:  # noqa: ARG002
        """Return the value, and put the record's headers in."""
        headers[:] = [(HeaderName(name), content) for name, content in data.headers]
        return data.value


class _Headers(list[tuple[str, bytes | None]]):
    """Headers that may lack a value. They look empty, because kafka-python would add up their lengths."""

    def __bool__(self) -> bool:
        return False


def verbatim_producer(settings: Settings) -> KafkaProducer:
    """
    A producer for `send_verbatim` that keeps the order.

    Each record is a batch of its own, so a refused record takes no other with it. Batches are compressed, because a
    record may be longer than the broker accepts unpacked.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    return producer(
        settings,
        value_serializer=_Verbatim(),
        compression_type="zstd",
        batch_size=0,
        max_request_size=_ANY_SIZE,
        # A refused batch would make an idempotent producer fail the other batches.
        enable_idempotence=False,
        max_in_flight_requests_per_connection=1,
    )


def send_verbatim(kafka: KafkaProducer, topic: str, record: Original) -> FutureRecordMetadata:
    """
    Hand a record over to be sent.

    Raises:
        KafkaError: it can never be sent, or the topic does not exist.
    """
    return kafka.send(topic, key=record.key, value=record, headers=_Headers())
