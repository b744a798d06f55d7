"""
Send records byte for byte, even if they are malformed.

Some records on the topics have neither key nor value. Others have headers without a value, or header names that are not
UTF-8. kafka-python's producer would refuse to send such records.
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
    """The content of a record. In header names, bytes that are not UTF-8 are lone surrogates."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class _Verbatim(Serializer):
    def serialize(self, topic: str, headers: list[tuple[str, bytes | None]], data: Original) -> bytes | None:  # noqa: ARG002
        """Return the value, and put the record's headers into `headers`."""
        headers[:] = [(HeaderName(name), content) for name, content in data.headers]
        return data.value


class _Headers(list[tuple[str, bytes | None]]):
    """
    A list of headers whose values may be None.

    The list counts as false, so that kafka-python does not add up the lengths of the values.
    """

    def __bool__(self) -> bool:
        return False


def verbatim_producer(settings: Settings, **config: object) -> KafkaProducer:
    """
    Return a producer for `send_verbatim` that keeps the order of records.

    Unless `config` says otherwise, each record is sent as a batch of its own. So if the broker refuses one record, it
    does not refuse others with it. Batches are compressed, because some records are too long for the broker without
    compression.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    defaults = {
        "value_serializer": _Verbatim(),
        "compression_type": "zstd",
        "batch_size": 0,
        "max_request_size": _ANY_SIZE,
        # An idempotent producer is not used: after one refused batch, its other batches would fail as well.
        "enable_idempotence": False,
        "max_in_flight_requests_per_connection": 1,
    }
    return producer(settings, **(defaults | config))


def send_verbatim(
    kafka: KafkaProducer,
    topic: str,
    record: Original,
    *,
    timestamp_ms: int | None = None,
    partition: int | None = None,
) -> FutureRecordMetadata:
    """
    Pass a record to the producer, which sends it later.

    Without `timestamp_ms`, the record gets the present time. Without `partition`, the key decides on the partition.

    Raises:
        KafkaError: the record can never be sent, or the topic does not exist.
    """
    return kafka.send(
        topic, key=record.key, value=record, headers=_Headers(), timestamp_ms=timestamp_ms, partition=partition
    )
