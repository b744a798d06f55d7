"""
Passes on the records of all partners, each exactly once.

One Kafka transaction holds the records of a poll and the offsets after them. So after a crash, either both are there or
neither. Kafka refuses the transactions of a process in whose place another one has begun.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

import structlog
from kafka import OffsetAndMetadata, TopicPartition
from kafka.codec import zstd_encode
from kafka.errors import KafkaError

from streams import names
from streams.contracts.checks import Reason, Refusal
from streams.contracts.mark import Mark
from streams.contracts.record import record_bytes
from streams.errors import BrokerUnavailable
from streams.intake.beginning import begin_reading
from streams.intake.verdict import MOST_KEY_BYTES, Verdict, verdict
from streams.kafka.client import consumer, partitions_of
from streams.kafka.drain import is_past
from streams.kafka.partners import Partner
from streams.kafka.reading import TolerantConsumer
from streams.kafka.records import Readable
from streams.kafka.sending import TIMEOUT_SECONDS, TRANSACTIONS
from streams.kafka.verbatim import Original, send_verbatim, verbatim_producer
from streams.settings import Settings

__all__ = ["Relay"]

log = structlog.get_logger()

_POLL_RECORDS = 500
_POLL_MS = 200
_FIRST_POLL_BYTES, _MOST_POLL_BYTES = 64 * 1024, 4 * 1024 * 1024
"""
With how many bytes the first poll ends, and with how many a later one ends at most.

A poll is one transaction, which must end before `_TRANSACTION_MS`. So a relay begins with little, and takes more only
after it has seen how fast the broker is. A quota, for example, makes the broker slow. If the broker aborts a
transaction nevertheless, the next process begins with little again.
"""
_QUICK_SECONDS = 1.0
"""
After a transaction that took less than this, the next poll may have half as many bytes again; otherwise half as many.

With its default settings, Kafka lets pass at once what a quota allows for eleven seconds. If polls grew faster, the one
that uses this up could alone take longer than a transaction may.
"""
_TRANSACTION_MS = 10_000
"""
After this time, the broker aborts the transaction of a process that was killed or paused.

Until then, readers of the input topics wait, so the time is shorter than for other transactions.
"""
_BATCH_BYTES = 16_384
_OVERHEAD = 2_048
"""An upper limit for the number of bytes that Kafka and the mark add to a record."""
_MOST_HEADERS = 10_000
_KEEP_SECONDS = 3_600.0
"""How often all offsets are committed, even those that have not changed."""
_WHOLE_BYTES = 16 * 1024 * 1024
"""
A longer record is never passed on whole, even if it is short while it is compressed. Every reader of the input topics
would have to hold it in memory.
"""
_BEGINNING = 1_024
"""How many bytes of the value are passed on if a record is longer than the input topics accept."""


class _Passed(NamedTuple):
    """What is sent to an input topic for a partner's record."""

    topic: str
    content: Original
    timestamp_ms: int | None


class Relay:
    """
    A consumer of the inbound topics and a producer for the input topics.

    Attributes:
        passed_on: how many records have been passed on, including refused ones.
        refused: how many of them were refused, because they speak for somebody else or cannot be read.
        left_out: a sentence for each topic that is not read, which says why.

    Raises:
        BrokerUnavailable: no broker answers.
    """

    def __init__(self, settings: Settings, partners: tuple[Partner, ...]) -> None:
        self._partners: Mapping[str, Partner] = {one.topic: one for one in partners}
        self._most_bytes = 4 * settings.max_record_bytes - _OVERHEAD  # as long as a batch on the broker may be
        self.passed_on = self.refused = 0
        self._producer = verbatim_producer(
            settings,
            enable_idempotence=True,
            batch_size=_BATCH_BYTES,
            transactional_id="caf.intake",
            **(TRANSACTIONS | {"transaction_timeout_ms": _TRANSACTION_MS}),
        )
        self._consumer: TolerantConsumer = consumer(
            settings, group_id=names.INTAKE_GROUP, max_poll_records=_POLL_RECORDS
        )
        self._consumer.poll_bytes = _FIRST_POLL_BYTES
        # This completes or aborts the last transaction of an earlier process. So the committed offsets are final.
        self._producer.init_transactions()
        self._ids = self._consumer.asked_topic_ids(self._partners)
        self._known_places = partitions_of(self._consumer, self._partners)
        self._following, self.left_out = begin_reading(settings, self._consumer, partners, self._ids)
        self._consumer.assign(self._following)
        for place, offset in self._following.items():
            # Records that Kafka has deleted before they were read are passed on as lost.
            self._consumer.seek(place, offset)
        self._keep_places()

    def ends(self) -> dict[TopicPartition, int]:
        """Return the offsets at which the inbound topics that are read end now."""
        return self._consumer.end_offsets(list(self._following))

    def is_past(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Return whether everything before these offsets has been passed on."""
        return is_past(self._consumer, ends)

    def turn(self) -> bool:
        """
        Pass on the records of one poll. Return False if the topics have changed, so that a new relay must begin.

        Nothing of the poll is passed on if a topic was recreated, because its records may be of either topic, or if a
        topic goes on before the place at which it should, because then it has lost its end.

        Raises:
            BrokerUnavailable: the broker does not answer, or another process has begun to pass on records.
        """
        try:
            polled = self._consumer.poll(timeout_ms=_POLL_MS) if self._following else {}
            ids = self._consumer.asked_topic_ids(self._partners) if polled else self._consumer.topic_ids(self._partners)
            if (
                ids != self._ids
                or partitions_of(self._consumer, self._partners) != self._known_places
                or any(records[0].offset < self._following[place] for place, records in polled.items())
            ):
                log.warning("topics_changed")
                return False
            if polled:
                self._pass_on(polled)
            if time.monotonic() - self._kept_at > _KEEP_SECONDS:
                self._keep_places()
        except KafkaError as error:
            raise BrokerUnavailable(f"records of partners cannot be passed on: {type(error).__name__}") from None
        return True

    def close(self) -> None:
        """Disconnect. An unfinished transaction is aborted by the next process, or by the broker."""
        self._consumer.close()
        self._producer.close(timeout=TIMEOUT_SECONDS)

    def _pass_on(self, polled: Mapping[TopicPartition, list[Readable]]) -> None:
        following = {place: self._consumer.position(place) or 0 for place in polled}
        # Decide about all records before the transaction begins, because the broker aborts a long transaction.
        passed = [self._passed(record) for records in polled.values() for record in records]
        began = time.monotonic()
        self._producer.begin_transaction()
        sent = [send_verbatim(self._producer, one.topic, one.content, timestamp_ms=one.timestamp_ms) for one in passed]
        self._commit_with_transaction(following)
        self._producer.flush(timeout=TIMEOUT_SECONDS)
        self._producer.commit_transaction()
        for future in sent:
            future.get(timeout=TIMEOUT_SECONDS)
        self._following |= following
        self._pace(time.monotonic() - began)

    def _keep_places(self) -> None:
        """
        Commit all offsets again, because the broker forgets an offset some days after it was committed.

        The offsets of partners that have sent nothing for long would be lost. Like every transaction, this one fails if
        another process has begun to pass on records.
        """
        if self._following:
            self._producer.begin_transaction()
            self._commit_with_transaction(self._following)
            self._producer.commit_transaction()
        self._kept_at = time.monotonic()

    def _commit_with_transaction(self, offsets: Mapping[TopicPartition, int]) -> None:
        marked = {place: OffsetAndMetadata(at, self._ids[place.topic], -1) for place, at in offsets.items()}
        self._producer.send_offsets_to_transaction(marked, names.INTAKE_GROUP)

    def _pace(self, seconds: float) -> None:
        """Choose how many bytes the next poll has, after a transaction that took this long."""
        size = self._consumer.poll_bytes
        more, less = min(size + size // 2, _MOST_POLL_BYTES), max(1, size // 2)
        self._consumer.poll_bytes = more if seconds < _QUICK_SECONDS else less

    def _passed(self, record: Readable) -> _Passed:
        partner = self._partners[record.topic]
        found = verdict(record, partner, self._most_bytes)
        original, mark = self._marked(record, found)
        self._count(partner, mark)
        headers = [*original.headers, mark.header()]
        return _Passed(found.topic, original._replace(headers=headers), record.timestamp or None)

    def _marked(self, record: Readable, found: Verdict) -> tuple[Original, Mark]:
        """Return what is passed on, and its mark. A record that no input topic could take is shortened."""
        refusal = found.refusal
        if refusal is None and len(record.headers) > _MOST_HEADERS:
            refusal = Refusal(Reason.TOO_LARGE, allowed=f"at most {_MOST_HEADERS} headers")
        mark = Mark(
            record=f"{record.topic}/{record.partition}/{record.offset}/{self._ids[record.topic]}",
            reason=refusal.reason if refusal else None,
            path=refusal.path if refusal else None,
            allowed=refusal.allowed if refusal else None,
        )
        key = record.key and record.key[:MOST_KEY_BYTES]
        if self._fits(record):
            return Original(key, record.value, record.headers), mark
        return Original(key, record.value and record.value[:_BEGINNING], ()), mark

    def _fits(self, record: Readable) -> bool:
        """Return whether the input topics take the record. Topics limit the length after compression."""
        size = record_bytes(record)
        if len(record.headers) > _MOST_HEADERS or size > _WHOLE_BYTES:
            return False
        if size <= self._most_bytes:
            return True
        headers = (str.encode(name, errors="surrogateescape") + (content or b"") for name, content in record.headers)
        whole = b"".join([record.key or b"", record.value or b"", *headers])
        return len(zstd_encode(whole)) + 10 * len(record.headers) <= self._most_bytes

    def _count(self, partner: Partner, mark: Mark) -> None:
        self.passed_on += 1
        if mark.reason is not None:
            self.refused += 1
            log.warning("record_refused", record=mark.record, partner=partner.name, reason=mark.reason.value)
