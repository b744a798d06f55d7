"""
Record who sees or does what, before it is shown or done.

An entry counts as recorded when the broker has acknowledged it, or, if no broker answers, when it is on the disk of the
home. If neither is possible, `AuditUnavailable` is raised, and the caller must not show or do anything.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams import names
from streams.audit.entries import Actor, entry
from streams.audit.spool import Spool
from streams.contracts.audit import AUDIT_TYPE, AuditEntry
from streams.contracts.codesets import AuditAction, AuditActor
from streams.contracts.output_envelope import encode_output
from streams.errors import BrokerUnavailable, CafError
from streams.kafka.client import producer
from streams.settings import Settings

__all__ = ["Recorder"]

_PATIENCE_MS = 2_000
"""How many ms the broker may take to acknowledge entries, before they are written to the disk instead."""
_PAUSE_SECONDS = 5.0
"""For how many seconds the broker is not asked again after it did not answer, so that not every reader waits for it."""
_KAFKA = {
    "bootstrap_timeout_ms": _PATIENCE_MS,
    "max_block_ms": _PATIENCE_MS,
    "request_timeout_ms": _PATIENCE_MS,
    "delivery_timeout_ms": _PATIENCE_MS,
}


class Recorder:
    """Records entries. Many threads may use one recorder at the same time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._spool = Spool(settings.home)
        self._lock = threading.Lock()
        self._client: KafkaProducer | None = None
        self._asks_from = 0.0

    def record(self, entries: Sequence[AuditEntry]) -> None:
        """
        Record entries, and return when they are recorded.

        Raises:
            AuditUnavailable: they cannot be recorded.
        """
        encoded = [_encoded(one) for one in entries]
        try:
            self._send(encoded)
        except (CafError, KafkaError):
            self._spool.add(encoded)
        else:
            self.send_waiting()

    def waits(self) -> bool:
        """Return whether entries wait on the disk, because no broker has taken them."""
        return self._spool.waits()

    def send_waiting(self) -> None:
        """Send the entries that wait on the disk. If no broker answers, they go on waiting."""
        with suppress(CafError, KafkaError, OSError):
            if self._spool.waits():
                self._spool.send(self._send, _changed)

    def close(self) -> None:
        """Disconnect from the broker."""
        with self._lock:
            self._drop()

    def _send(self, encoded: Iterable[bytes]) -> None:
        with self._lock:
            client = self._connected()
        try:
            for future in [client.send(names.AUDIT, value=value) for value in encoded]:
                future.get(timeout=_PATIENCE_MS / 1000)
        except KafkaError:
            with self._lock:
                if client is self._client:
                    self._pause()
            raise

    def _connected(self) -> KafkaProducer:
        if self._client is None:
            if time.monotonic() < self._asks_from:
                raise BrokerUnavailable("the broker did not answer a moment ago")
            try:
                self._client = producer(self._settings, **_KAFKA)
            except BrokerUnavailable:
                self._pause()
                raise
        return self._client

    def _pause(self) -> None:
        self._drop()
        self._asks_from = time.monotonic() + _PAUSE_SECONDS

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close(timeout=0)
            self._client = None


def _encoded(one: AuditEntry) -> bytes:
    return encode_output(AUDIT_TYPE, source="/caf/audit", identity=one.entry_id, time=one.at, data=one)


def _changed(number: int) -> bytes:
    actor = Actor(AuditActor.PART, "audit")
    return _encoded(entry(actor, AuditAction.SPOOL_CHANGED, f"line {number}"))
