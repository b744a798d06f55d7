"""
Send rejected records again, byte for byte, to the topic and key they came by.

A header names the record that is sent again, so that its alert clears when the copy is accepted.
A record is not sent while a copy of it is on its way, nor after one was accepted; a copy that is rejected too is not
sent itself: its original is.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import duckdb
import structlog
from kafka.errors import KafkaError

from streams import names
from streams.contracts import Reason
from streams.contracts.decode import REPLAY_HEADER
from streams.errors import BrokerUnavailable
from streams.kafka.client import consumer, producer
from streams.lake.connect import connect
from streams.lake.offsets import next_offsets
from streams.quarantine import Filters, Quarantined, find
from streams.settings import Settings

__all__ = ["Replayed", "replay", "select"]

log = structlog.get_logger()

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Replayed:
    """How many records were sent again, and how many match but were not."""

    sent: int
    skipped: int


def select(settings: Settings, **filters: object) -> list[Quarantined]:
    """
    The rejected records that `replay` would send; `filters` are the fields of `Filters`.

    Raises:
        SettingInvalid: a filter has a value that is not allowed.
    """
    with connect(settings, marts=None) as lake:
        return _sendable(settings, lake, find(lake, Filters.of(**filters)))


def replay(settings: Settings, **filters: object) -> Replayed:
    """
    Send the matching records again and return when all are durable.

    Raises:
        SettingInvalid: a filter has a value that is not allowed.
        BrokerUnavailable: the broker did not take them.
    """
    with connect(settings, marts=None) as lake:
        matching = find(lake, Filters.of(**filters))
        sendable = _sendable(settings, lake, matching)
    try:
        with closing(producer(settings)) as kafka:
            sent = [_send(kafka, record) for record in sendable]
            kafka.flush(timeout=_TIMEOUT_SECONDS)
            for future in sent:
                future.get(timeout=_TIMEOUT_SECONDS)
    except KafkaError as error:
        raise BrokerUnavailable(f"records were not taken by the broker: {type(error).__name__}") from None
    replayed = Replayed(len(sendable), len(matching) - len(sendable))
    log.info("records_replayed", sent=replayed.sent, skipped=replayed.skipped)
    return replayed


def _send(kafka: object, record: Quarantined) -> object:
    headers = [(header["name"], header["value"]) for header in record.headers]
    headers.append((REPLAY_HEADER, record.coordinates.encode()))
    return kafka.send(record.topic, key=record.key, value=record.value, headers=headers)


def _sendable(settings: Settings, lake: duckdb.DuckDBPyConnection, records: list[Quarantined]) -> list[Quarantined]:
    under_way = set(_under_way(settings, lake)) if records else set()
    return [
        record
        for record in records
        if record.topic in names.INPUT_TOPICS
        and record.reason != Reason.BATCH  # its events were sent on
        and record.replayed_as is None
        and not any(header["name"] == REPLAY_HEADER for header in record.headers)
        and record.coordinates not in under_way
    ]


def _under_way(settings: Settings, lake: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Records of which the topics hold a copy that has not landed yet."""
    landed = next_offsets(lake)
    with closing(consumer(settings, names.INPUT_TOPICS)) as kafka:
        ends = kafka.end_offsets(list(kafka.assignment()))
        for partition in ends:
            kafka.seek(partition, landed.get((partition.topic, partition.partition), 0))
        while any(kafka.position(partition) < end for partition, end in ends.items()):
            for records in kafka.poll(timeout_ms=200).values():
                for record in records:
                    yield from (value.decode() for name, value in record.headers if name == REPLAY_HEADER and value)
