"""
Send each event of a batch record as a record of its own. A batch record is one Kafka record that holds several events.

The events are sent before the batch record is quarantined. So each event is sent at least once. If an event is sent
twice, both records are the same, byte for byte.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.contracts import Rejected
from streams.contracts.batches import PART_HEADER, events_in
from streams.contracts.claims import claims, topic_of
from streams.contracts.decode import key_of
from streams.contracts.modes import CONTENT_TYPE, STRUCTURED, trimmed
from streams.contracts.record import REPLAY_HEADER
from streams.errors import BrokerUnavailable
from streams.kafka.sending import confirm

__all__ = ["Part", "parts_of", "send_parts"]


class Part(NamedTuple):
    """The record that is sent for one event of a batch record."""

    topic: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes | None]]


def parts_of(batch: Rejected) -> Iterator[Part]:
    """
    Yield the events of a batch record, byte for byte. Each event comes with the key that its data require, and with the
    topic to which its type belongs.

    If an event cannot be read, it gets the key of the batch record. It is then rejected separately, with its own
    reason.
    """
    came_from = f"{batch.topic}/{batch.partition}/{batch.offset}".encode()
    headers: list[tuple[str, bytes | None]] = [(CONTENT_TYPE, STRUCTURED + b"+json"), (PART_HEADER, came_from)]
    headers += [(name, value) for name, value in batch.headers if name == REPLAY_HEADER]
    assert batch.value is not None, "a batch record has a value"
    for event in events_in(trimmed(batch.value)):
        topic = next(filter(None, map(topic_of, claims(event, ()).types)), batch.topic)
        key = key_of(topic, event)
        yield Part(topic, batch.key if key is None else key.encode(), event, headers)


def send_parts(producer: KafkaProducer, batches: Iterable[Rejected]) -> None:
    """
    Send the events of batch records in order, and return when all are acknowledged.

    Raises:
        BrokerUnavailable: the broker did not accept the events.
    """
    parts = [part for batch in batches for part in parts_of(batch)]
    try:
        sent = [producer.send(topic, key=key, value=value, headers=headers) for topic, key, value, headers in parts]
        confirm(producer, sent)
    except KafkaError as error:
        raise BrokerUnavailable(f"the broker did not accept the events of a batch: {type(error).__name__}") from None
