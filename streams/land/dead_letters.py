"""Rejected records on the dead-letter topic, whole, before they are quarantined: at least once, the same each time."""

from collections.abc import Iterable
from datetime import UTC, datetime

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams import names
from streams.contracts import Rejected
from streams.contracts.outputs import DEAD_LETTER_TYPE, DeadLetter
from streams.contracts.published import encode_output
from streams.errors import BrokerUnavailable

__all__ = ["SOURCE", "dead_letter", "send_dead_letters"]

SOURCE = "/caf/land"
"""CloudEvents source of dead letters."""

_TIMEOUT_SECONDS = 60


def dead_letter(record: Rejected) -> bytes:
    """The dead letter of a record; its id is the record's `topic/partition/offset`."""
    received_at = datetime.fromtimestamp(record.received_ms / 1000, UTC)
    letter = DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        received_at=received_at,
        reason=record.reason,
        path=record.path,
        allowed=record.allowed,
        key=record.key,
        value=record.value,
        headers=[(name.replace("\0", "\ufffd"), value or b"") for name, value in record.headers],
    )
    identity = f"{record.topic}/{record.partition}/{record.offset}"
    return encode_output(DEAD_LETTER_TYPE, source=SOURCE, identity=identity, time=received_at, data=letter)


def send_dead_letters(producer: KafkaProducer, rejected: Iterable[Rejected]) -> None:
    """
    Send one dead letter each and return when all are durable.

    Raises:
        BrokerUnavailable: the broker did not take them.
    """
    try:
        sent = [producer.send(names.DEAD_LETTER, value=dead_letter(record)) for record in rejected]
        producer.flush(timeout=_TIMEOUT_SECONDS)
        for future in sent:
            future.get(timeout=_TIMEOUT_SECONDS)
    except KafkaError as error:
        raise BrokerUnavailable(f"dead letters were not taken by the broker: {type(error).__name__}") from None
