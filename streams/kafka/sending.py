"""Send records, and wait until the broker has acknowledged them."""

from collections.abc import Iterable
from contextlib import closing

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata

from streams.kafka.client import producer
from streams.settings import Settings

__all__ = ["TIMEOUT_SECONDS", "TRANSACTIONS", "confirm", "send_one"]

TIMEOUT_SECONDS = 60
"""How many seconds the broker may take to acknowledge records."""
_ONE_SECONDS = 30
TRANSACTIONS = {"transaction_timeout_ms": 30_000, "retry_backoff_ms": 5}
"""
Producer options for transactions.

If a producer dies and no other takes its place, the broker aborts its transaction after 30 seconds. Until then,
consumers wait. Before a producer begins a transaction, it asks the broker every 5 milliseconds whether its last
transaction is closed.
"""


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
