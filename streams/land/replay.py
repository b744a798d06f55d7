"""
Send rejected records again, byte for byte, to the same topic and with the same key.

A header of each copy names the original record. So when a copy is accepted, the original's alert clears. If a copy is
already on its way or was accepted, the original is not sent again. A copy that was rejected is not sent again; its
original is sent instead. If the broker refuses a record, this is reported, and the other records are still sent.

A copy has no mark of `intake`. So a copy of a record that `intake` has refused may be accepted.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import duckdb
import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata

from streams import names
from streams.contracts import Reason
from streams.contracts.mark import MARK_HEADER
from streams.contracts.record import REPLAY_HEADER, replay_of
from streams.errors import BrokerUnavailable, ReplayIncomplete
from streams.kafka.drain import to_end
from streams.kafka.sending import TIMEOUT_SECONDS
from streams.kafka.verbatim import Original, send_verbatim, verbatim_producer
from streams.lake.connect import connect
from streams.lake.generations import numbered_consumer
from streams.lake.offsets import next_offsets
from streams.land.quarantine import Filters, Quarantined, contents, find
from streams.settings import Settings

__all__ = ["Refused", "Replayed", "replay", "select"]

log = structlog.get_logger()

_NOTHING_TO_SEND = {Reason.BATCH, Reason.DELETED_UNREAD}
"""
Records that were rejected for these reasons are not sent again.

Either their events have already been sent, or Kafka deleted the records unread and there is nothing left to send.
"""
_WAITING = 500
"""How many records are sent before the replay waits for their acknowledgements."""


@dataclass(frozen=True)
class Refused:
    """A record that cannot be sent again: its `topic/partition/offset`, and Kafka's name for the reason."""

    record: str
    why: str


@dataclass
class Replayed:
    """
    The result of a replay.

    It contains the number of records that were sent again, the number of selected records that need not be sent, and
    the records that cannot be sent.
    """

    sent: int = 0
    skipped: int = 0
    refused: list[Refused] = field(default_factory=list)

    def raise_if_refused(self) -> None:
        """
        Raise an error if the broker refused records.

        Raises:
            ReplayIncomplete: the broker refused some records.
        """
        if self.refused:
            places = ", ".join(f"{one.record} ({one.why})" for one in self.refused[:5])
            raise ReplayIncomplete(
                f"{self.sent} records were sent again, {len(self.refused)} cannot be sent (among them {places})"
            )


def select(settings: Settings, **filters: Any) -> list[Quarantined]:
    """
    Return the rejected records that `replay` would send. `filters` are the fields of `Filters`.

    Raises:
        SettingInvalid: a filter has a value that is not allowed.
    """
    with connect(settings, marts=None) as lake:
        wanted = Filters.of(**filters)
        return _sendable(settings, lake, wanted, find(lake, wanted))


def replay(settings: Settings, **filters: Any) -> Replayed:
    """
    Send the matching records again. Return when the broker has acknowledged or refused each of them.

    Raises:
        SettingInvalid: a filter has a value that is not allowed.
        BrokerUnavailable: the connection to the broker was lost. Some records may have been sent before.
    """
    with connect(settings, marts=None) as lake:
        wanted = Filters.of(**filters)
        matching = find(lake, wanted)
        sendable = _sendable(settings, lake, wanted, matching)
        replayed = Replayed(skipped=len(matching) - len(sendable))
        with closing(verbatim_producer(settings)) as kafka:
            _send(kafka, contents(lake, sendable), replayed)
    log.info("records_replayed", sent=replayed.sent, skipped=replayed.skipped, refused=len(replayed.refused))
    return replayed


def _send(kafka: KafkaProducer, records: Iterable[tuple[Quarantined, Original]], replayed: Replayed) -> None:
    waiting: list[tuple[Quarantined, FutureRecordMetadata]] = []
    for record, original in records:
        kept = [(name, content) for name, content in original.headers if name != MARK_HEADER]
        headers = [*kept, (REPLAY_HEADER, record.coordinates.encode())]
        try:
            waiting.append((record, send_verbatim(kafka, record.topic, original._replace(headers=headers))))
        except KafkaError as error:
            _note_failure(replayed, record, error)
        if len(waiting) >= _WAITING:
            _settle(replayed, waiting)
    _settle(replayed, waiting)


def _settle(replayed: Replayed, waiting: list[tuple[Quarantined, FutureRecordMetadata]]) -> None:
    """Wait until every record is acknowledged or refused."""
    for record, future in waiting:
        try:
            future.get(timeout=TIMEOUT_SECONDS)
            replayed.sent += 1
        except KafkaError as error:
            _note_failure(replayed, record, error)
    waiting.clear()


def _note_failure(replayed: Replayed, record: Quarantined, error: KafkaError) -> None:
    """
    Count a record as refused, unless the error may be temporary.

    Raises:
        BrokerUnavailable: the error may be temporary.
    """
    why = type(error).__name__
    if error.retriable:
        raise BrokerUnavailable(f"the broker went away after {replayed.sent} records: {why}") from None
    replayed.refused.append(Refused(record.coordinates, why))
    log.warning("record_refused", record=record.coordinates, reason=why)


def _sendable(
    settings: Settings, lake: duckdb.DuckDBPyConnection, wanted: Filters, records: list[Quarantined]
) -> list[Quarantined]:
    under_way = set(_under_way(settings, lake)) if records else set()
    # A forged record is sent again only if somebody asks for this reason.
    is_asked_for = wanted.reason == Reason.FORGED_SOURCE
    not_sent = _NOTHING_TO_SEND if is_asked_for else _NOTHING_TO_SEND | {Reason.FORGED_SOURCE}
    return [
        record
        for record in records
        if record.topic in names.INPUT_TOPICS
        and record.reason not in not_sent
        # What `intake` has refused for another reason is not whole, or its source was not checked.
        and record.refused_for in {None, Reason.FORGED_SOURCE}
        and record.replayed_as is None
        and not record.is_copy
        and record.coordinates not in under_way
    ]


def _under_way(settings: Settings, lake: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield the `topic/partition/offset` of records whose copy is on a topic but has not landed yet."""
    landed = next_offsets(lake)
    with closing(numbered_consumer(settings, names.INPUT_TOPICS)) as kafka:
        for partition in kafka.assignment():
            kafka.seek(partition, landed.get((partition.topic, partition.partition), 0))
        for record in to_end(kafka):
            if (original := replay_of(record.headers)) is not None:
                yield original
