"""Publishes alerts and heartbeats as CloudEvents. For alerts, waits until the broker has acknowledged them."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic
from uuid import uuid4

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata

from streams import names
from streams.contracts.output_envelope import encode_output
from streams.contracts.outputs import ALERT_TYPE, HEARTBEAT_TYPE, Alert, Heartbeat
from streams.errors import BrokerUnavailable
from streams.kafka.client import producer
from streams.kafka.sending import TIMEOUT_SECONDS, TRANSACTIONS
from streams.lake.advisory import HeldLock
from streams.lake.lock_keys import LockKey
from streams.settings import Settings

__all__ = ["SOURCE", "OutputEnvelope", "Publisher", "alert_of"]

SOURCE = "/caf/watch"
"""CloudEvents source of everything that the watcher publishes."""

_UNHEARD_SECONDS = 10.0
"""After how many seconds without an acknowledged heartbeat the broker counts as away."""


class _Envelope(msgspec.Struct, kw_only=True):
    specversion: str = "1.0"
    id: str
    source: str = SOURCE
    type: str
    time: datetime
    datacontenttype: str = "application/json"


class OutputEnvelope(_Envelope, kw_only=True):
    """The CloudEvents envelope of an output."""

    data: msgspec.Raw


class _AlertEvent(_Envelope, kw_only=True):
    data: Alert


_ALERT = msgspec.json.Decoder(_AlertEvent)


def alert_of(value: bytes | None) -> Alert | None:
    """Return the alert in a record of the alerts topic; None if the record is not an alert."""
    try:
        return _ALERT.decode(value or b"").data
    except msgspec.DecodeError:
        return None


class Publisher:
    """
    Publishes in transactions, on behalf of the holder of a lock. Consumers see all records of a transaction or none.

    1. Kafka lets only the newest producer of a transactional id publish. Here, the transactional id is the name of the
       lock.
    2. So only the process that last took the lock and created a publisher can publish. The broker refuses earlier
       holders, for example one that was paused and does not know that it has lost the lock.
    3. The publisher checks that the process still holds the lock: before and after it registers its producer with the
       broker, and before each transaction.
    4. A transaction ends when the broker has acknowledged all its records.

    Args:
        lock: the lock that the process holds. None if no other process could publish the same records.
        speaks_for: another lock. If it is given, its name is the transactional id. The broker then refuses the
            publisher of the process that holds this other lock. That process must create a new publisher before it can
            publish again.

    Raises:
        BrokerUnavailable: no broker answers.
        LockTaken: the lock is lost.
    """

    def __init__(self, settings: Settings, lock: HeldLock | None = None, *, speaks_for: LockKey | None = None) -> None:
        self._settings = settings
        self._lock = lock
        key = speaks_for or (lock and lock.key)
        name = f"caf.{key.name.lower() if key else uuid4().hex}"
        self._producer: KafkaProducer = producer(settings, linger_ms=0, transactional_id=name, **TRANSACTIONS)
        self._beats: KafkaProducer | None = None
        self._unheard: deque[tuple[float, FutureRecordMetadata]] = deque()
        self._check()
        self._producer.init_transactions()
        # Check again. If this process lost the lock in the meantime, `init_transactions` has shut out the new holder of
        # the lock instead of an earlier one.
        self._check()

    def alerts(self, alerts: Iterable[Alert]) -> dict[int, int]:
        """
        Publish versions on the alerts topic and, unless they are test alerts, also on the topic of current alerts.

        Returns:
            For each partition of the alerts topic to which versions were written, the offset after the last of them.

        Raises:
            LockTaken: the lock is lost; nothing was published.
        """
        alerts, sent = list(alerts), []
        with self._transaction():
            for alert in alerts:
                key = (alert.family_id or alert.entity_id).encode()
                value = _encoded(alert)
                sent.append(self._producer.send(names.ALERTS, key=key, value=value))
                if not alert.test:
                    self._producer.send(names.ALERTS_CURRENT, key=alert.alert_id.encode(), value=value)
        written = [future.get(timeout=TIMEOUT_SECONDS) for future in sent]
        return {record.partition: record.offset + 1 for record in written}

    def current(self, alerts: Iterable[Alert]) -> None:
        """
        Publish versions only on the topic of current alerts.

        Raises:
            LockTaken: the lock is lost; nothing was published.
        """
        with self._transaction():
            for alert in alerts:
                self._producer.send(names.ALERTS_CURRENT, key=alert.alert_id.encode(), value=_encoded(alert))

    def retire(self, alert_ids: Iterable[str]) -> None:
        """
        Publish tombstones that remove alerts from the topic of current alerts.

        Raises:
            LockTaken: the lock is lost; no alert was removed.
        """
        with self._transaction():
            for alert_id in alert_ids:
                self._producer.send(names.ALERTS_CURRENT, key=alert_id.encode(), value=None)

    def heartbeat(self, heartbeat: Heartbeat) -> None:
        """
        Publish a heartbeat, and do not wait until the broker acknowledges it.

        A heartbeat needs no transaction, because it stays true even if it arrives late: it says what had been evaluated
        when it was made.

        Raises:
            BrokerUnavailable: the broker has acknowledged no heartbeat for ten seconds.
            LockTaken: the lock is lost.
        """
        self._check()
        self._hear()
        identity = f"{heartbeat.leader}/{heartbeat.as_of.timestamp():.6f}"
        time = heartbeat.as_of
        value = encode_output(HEARTBEAT_TYPE, source=SOURCE, identity=identity, time=time, data=heartbeat)
        self._beats = self._beats or producer(self._settings, linger_ms=0)
        self._unheard.append((monotonic(), self._beats.send(names.HEARTBEAT, value=value)))

    def close(self) -> None:
        """Send the records that are waiting, and disconnect."""
        for one in filter(None, (self._beats, self._producer)):
            one.close(timeout=TIMEOUT_SECONDS)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """
        Publish all records that the block sends as one transaction.

        After an error, the transaction stays open until this publisher is closed. The publisher cannot begin another
        one.
        """
        self._check()
        try:
            self._producer.begin_transaction()
            yield
            self._producer.flush(timeout=TIMEOUT_SECONDS)
            self._producer.commit_transaction()
        except KafkaError:
            self._check()
            raise

    def _hear(self) -> None:
        while self._unheard and self._unheard[0][1].succeeded():
            self._unheard.popleft()
        # If only one is unacknowledged, this process may have been paused since it sent that one.
        if len(self._unheard) > 1 and monotonic() - self._unheard[0][0] > _UNHEARD_SECONDS:
            raise BrokerUnavailable(f"the broker has acknowledged no heartbeat for {_UNHEARD_SECONDS:.0f} s")

    def _check(self) -> None:
        if self._lock is not None:
            self._lock.check()


def _encoded(alert: Alert) -> bytes:
    identity = f"{alert.alert_id}/{alert.version}"
    return encode_output(ALERT_TYPE, source=SOURCE, identity=identity, time=alert.raised_at, data=alert)
