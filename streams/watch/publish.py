"""Alerts and heartbeats as CloudEvents on their topics, acknowledged by the broker before anything else goes on."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec
from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata, RecordMetadata

from streams import names
from streams.contracts.outputs import ALERT_TYPE, HEARTBEAT_TYPE, Alert, Heartbeat
from streams.contracts.published import encode_output
from streams.kafka.client import producer
from streams.settings import Settings

__all__ = ["SOURCE", "Published", "Publisher", "alert_of", "heartbeat_of"]

SOURCE = "/caf/watch"
"""CloudEvents source of what the watcher writes."""

_TIMEOUT_SECONDS = 60


class Published(msgspec.Struct, kw_only=True):
    """The CloudEvents envelope of an output."""

    specversion: str = "1.0"
    id: str
    source: str = SOURCE
    type: str
    time: datetime
    datacontenttype: str = "application/json"
    data: msgspec.Raw


class _AlertEvent(Published, kw_only=True):
    data: Alert


class _HeartbeatEvent(Published, kw_only=True):
    data: Heartbeat


_ALERT = msgspec.json.Decoder(_AlertEvent)
_HEARTBEAT = msgspec.json.Decoder(_HeartbeatEvent)


def alert_of(value: bytes | None) -> Alert | None:
    """The alert of a record of the alerts topic; None for what is not one."""
    try:
        return _ALERT.decode(value or b"").data
    except msgspec.DecodeError:
        return None


def heartbeat_of(value: bytes | None) -> Heartbeat | None:
    """The heartbeat of a record of its topic; None for what is not one."""
    try:
        return _HEARTBEAT.decode(value or b"").data
    except msgspec.DecodeError:
        return None


class Publisher:
    """A producer that returns only when what it sent is durable; else it raises the `KafkaError`."""

    def __init__(self, settings: Settings) -> None:
        self._producer: KafkaProducer = producer(settings, linger_ms=0)

    def alerts(self, alerts: Iterable[Alert]) -> dict[int, int]:
        """
        Publish versions, on the compacted topic, too.

        Returns:
            The next offset of each partition of the alerts topic that was written.
        """
        sent, current = [], []
        for alert in alerts:
            key = (alert.family_id or alert.entity_id).encode()
            value = _encoded(alert)
            sent.append(self._producer.send(names.ALERTS, key=key, value=value))
            if not alert.test:
                current.append(self._producer.send(names.ALERTS_CURRENT, key=alert.alert_id.encode(), value=value))
        written = self._durable(sent)
        self._durable(current)
        return {record.partition: record.offset + 1 for record in written}

    def current(self, alerts: Iterable[Alert]) -> None:
        """Publish versions on the compacted topic alone."""
        self._durable(
            [
                self._producer.send(names.ALERTS_CURRENT, key=alert.alert_id.encode(), value=_encoded(alert))
                for alert in alerts
            ]
        )

    def retire(self, alert_ids: Iterable[str]) -> None:
        """Take alerts off the compacted topic, by tombstones."""
        self._durable(
            [self._producer.send(names.ALERTS_CURRENT, key=alert_id.encode(), value=None) for alert_id in alert_ids]
        )

    def heartbeat(self, heartbeat: Heartbeat) -> None:
        """Publish a sign of life without waiting for it."""
        identity = f"{heartbeat.leader}/{heartbeat.as_of.timestamp():.6f}"
        time = heartbeat.as_of
        value = encode_output(HEARTBEAT_TYPE, source=SOURCE, identity=identity, time=time, data=heartbeat)
        self._producer.send(names.HEARTBEAT, value=value)

    def close(self) -> None:
        """Send what is waiting and disconnect."""
        self._producer.close(timeout=_TIMEOUT_SECONDS)

    def _durable(self, sent: Collection[FutureRecordMetadata]) -> list[RecordMetadata]:
        """Wait until the broker has acknowledged every record."""
        self._producer.flush(timeout=_TIMEOUT_SECONDS)
        return [future.get(timeout=_TIMEOUT_SECONDS) for future in sent]


def _encoded(alert: Alert) -> bytes:
    identity = f"{alert.alert_id}/{alert.version}"
    return encode_output(ALERT_TYPE, source=SOURCE, identity=identity, time=alert.raised_at, data=alert)
