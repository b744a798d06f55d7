"""
Announce rejected records on the dead-letter topic.

Every rejection is announced at least once. If it is announced again, the dead letter is the same. The quarantine keeps
the whole rejected record, and dead letters only notify programs that read their topic. So landing waits for dead
letters only while the topic accepts them. If dead letters cannot be sent, landing continues without them.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256

import structlog
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from kafka.producer.future import FutureRecordMetadata

from streams import names
from streams.contracts import Rejected
from streams.contracts.checks import arrived_at
from streams.contracts.columns import header_text
from streams.contracts.output_envelope import encode_output
from streams.contracts.outputs import DEAD_LETTER_TYPE, DeadLetter
from streams.kafka.client import producer
from streams.settings import Settings

__all__ = ["SOURCE", "DeadLetters", "dead_letter"]

log = structlog.get_logger()

SOURCE = "/caf/land"
"""CloudEvents source of dead letters."""

_BEGINNING = 1024
"""
A shortened dead letter keeps at most this many bytes of the value.

The same limit applies to the key, and to all headers together.
"""
_MAX_LETTER_BYTES = 16 * 1024 * 1024
"""Dead letters with more bytes than this are always shortened, even if the topic would accept them."""
_OVERHEAD = 1024
"""An upper limit for the number of bytes that Kafka adds to a dead letter."""
_PATIENCE_SECONDS = 10.0
"""If the dead-letter topic acknowledges nothing for this many seconds, it counts as being in trouble."""
_PAUSE_SECONDS = 30.0
"""If the topic is in trouble, nothing is sent to it for this many seconds, or until it acknowledges a dead letter."""
_CLOSE_SECONDS = 5.0


def dead_letter(record: Rejected, *, whole: bool = True) -> bytes:
    """
    Make the dead letter of a record. The dead letter's id is the record's `topic/partition/offset`.

    Args:
        whole: if False, make a shortened dead letter, which has only the beginnings of key, value and headers.
    """
    key, value = record.key, record.value
    headers: Sequence[tuple[str, bytes | None]] = record.headers
    if not whole:
        key, value, headers = key and key[:_BEGINNING], value and value[:_BEGINNING], _first(headers)
    received_at = arrived_at(record.received_ms)
    letter = DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        received_at=received_at,
        reason=record.reason,
        path=record.path,
        allowed=record.allowed,
        key=key,
        value=value,
        headers=[(header_text(name), content or b"") for name, content in headers],
        is_whole=whole,
        record_bytes=record.size,
        value_bytes=None if record.value is None else len(record.value),
        value_sha256=None if record.value is None else sha256(record.value).hexdigest(),
    )
    identity = f"{record.topic}/{record.partition}/{record.offset}"
    return encode_output(DEAD_LETTER_TYPE, source=SOURCE, identity=identity, time=received_at, data=letter)


def _first(headers: Iterable[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    """Return the first headers, up to 1,024 bytes in total."""
    found, size = [], 0
    for name, content in headers:
        size += len(name) + len(content or b"")
        if size > _BEGINNING:
            break
        found.append((name, content))
    return found


class DeadLetters:
    """Sends dead letters. `send` never raises an error. After a failure, nothing is sent for 30 seconds."""

    def __init__(self, settings: Settings) -> None:
        """
        Connect to the broker.

        Raises:
            BrokerUnavailable: no broker answers.
        """
        self._max_bytes = min(8 * settings.max_record_bytes, _MAX_LETTER_BYTES)
        self._producer = producer(
            settings,
            max_request_size=self._max_bytes + _OVERHEAD,
            # The producer is not idempotent. If it were, the broker would accept nothing more after it has finally
            # refused one record.
            enable_idempotence=False,
            max_block_ms=1_000,
            request_timeout_ms=10_000,
            delivery_timeout_ms=30_000,
        )
        self._silent_until, self._reason = 0.0, ""
        self.unsent = 0
        """Number of dead letters that the topic has not accepted."""

    def send(self, rejected: Iterable[Rejected]) -> None:
        """Send one dead letter for each record. Return when all are acknowledged, or when the topic is in trouble."""
        before = self.unsent
        too_long = self._deliver((record, self._letter(record)) for record in rejected)
        for _ in self._deliver((record, dead_letter(record, whole=False)) for record in too_long):
            self._count("the topic accepts no letter of this length")
        if self.unsent > before:
            log.warning("dead_letters_unsent", letters=self.unsent - before, reason=self._reason)

    def close(self) -> None:
        """Disconnect. Before that, wait up to five seconds for dead letters that are not yet acknowledged."""
        with suppress(KafkaTimeoutError):
            self._producer.close(timeout=_CLOSE_SECONDS)

    def _letter(self, record: Rejected) -> bytes:
        """Make the dead letter of a record. It is shortened if it would have more than `_MAX_LETTER_BYTES`."""
        if record.size <= self._max_bytes and len(letter := dead_letter(record)) <= self._max_bytes:
            return letter
        return dead_letter(record, whole=False)

    def _deliver(self, letters: Iterable[tuple[Rejected, bytes]]) -> list[Rejected]:
        """Send dead letters, and return the records whose dead letters are too long for the topic."""
        sent = [(record, future) for record, letter in letters if (future := self._hand_over(letter))]
        return [record for record, future in sent if self._is_too_long(future)]

    def _hand_over(self, letter: bytes) -> FutureRecordMetadata | None:
        if self._is_silent():
            self._count(self._reason)
            return None
        try:
            return self._producer.send(names.DEAD_LETTER, value=letter)
        except KafkaError as error:  # the topic is missing
            self._be_silent()
            self._count(type(error).__name__)
            return None

    def _is_too_long(self, future: FutureRecordMetadata) -> bool:
        """
        Return whether the topic refused a dead letter because of its length.

        The method waits for the topic's answer only while the topic accepts dead letters at all.
        """
        try:
            future.get(timeout=0 if self._is_silent() else _PATIENCE_SECONDS)
        except MessageSizeTooLargeError:
            return True
        except KafkaError:
            self._be_silent()
            # The dead letter may still arrive. If the producer gives up on this letter later, the letter is counted
            # then.
            future.add_callback(self._end_silence)
            future.add_errback(lambda error: self._count(type(error).__name__))
        return False

    def _count(self, reason: str) -> None:
        self.unsent += 1
        self._reason = reason

    def _is_silent(self) -> bool:
        return time.monotonic() < self._silent_until

    def _be_silent(self) -> None:
        self._silent_until = time.monotonic() + _PAUSE_SECONDS

    def _end_silence(self, _: object) -> None:
        self._silent_until = 0.0
