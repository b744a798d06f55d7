"""Send records, and wait until the broker has acknowledged them."""

from collections.abc import Iterable
from contextlib import closing

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata

from streams.kafka.client import producer
from streams.settings import Settings

__all__ = ["TIMEOUT_SECONDS", "confirm", "send_one"]

TIMEOUT_SECONDS = 60
"""How many seconds the broker may take to acknowledge records."""
_ONE_SECONDS = 30


def confirm(client: KafkaProducer, sent: Iterable[FutureRecordMetadata]) -> None:
    """
    Wait until the broker has acknowledged the records.

    Raises:
        KafkaError: the broker did not accept one of the records.
    """
    sent = list(sent)
    client.flush(timeout=TIMEOUT_SECONDS)
    for future in sent:
        future.get(timeout=TIMEOUT_SECONDS)


def send_one(settings: Settings, topic: str, key: str, value: bytes) -> None:
    """
    Send one record, and return when the broker has acknowledged it.

    Raises:
        BrokerUnavailable: no broker answers.
        KafkaError: the broker did not accept the record.
    """
    with closing(producer(settings)) as client:
        client.send(topic, key=key.encode(), value=value).get(timeout=_ONE_SECONDS)
