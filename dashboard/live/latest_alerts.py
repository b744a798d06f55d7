"""
The board with the latest version of each alert. It is filled first from the lake and then from the alerts topic.

Reading the topic begins where the lake ends, so that no alert is missed. After every change, `says` is called, so that
pages show the new board.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError

from dashboard.reading.reader import NotBuilt, Reader
from streams import names
from streams.alerts.landed import latest_alerts
from streams.alerts.publisher import alert_of
from streams.contracts.outputs import Alert
from streams.errors import BrokerUnavailable, LakeUnavailable
from streams.lake.generations import numbered_consumer
from streams.lake.offsets import next_offsets
from streams.settings import Settings
from streams.tell.subscribers.alert_filter import is_open
from streams.times import naive

__all__ = ["LatestAlerts"]

log = structlog.get_logger()

_KEPT = timedelta(days=7)
"""How long an ended alert stays on the board. An open alert stays on the board until it ends."""
_AGAIN_SECONDS = 2.0
_POLL_MS = 250

_WANTED = """
    SELECT alert_id FROM landing.main.alerts
    WHERE NOT test
    GROUP BY alert_id
    HAVING arg_max(status, version) = 'open' OR max(raised_at) > ?
"""


class LatestAlerts(threading.Thread):
    """Follows the alerts topic in a thread. Calls `says` after each change."""

    def __init__(self, settings: Settings, reader: Reader, says: Callable[[], None]) -> None:
        super().__init__(name="board", daemon=True)
        self._settings = settings
        self._reader = reader
        self._says = says
        self._alerts: dict[str, Alert] = {}
        self._ended = threading.Event()
        self.follows = False
        """Whether the topic is being read now."""

    def run(self) -> None:
        """Follow the topic until `end` is called. If the lake or the broker does not answer, try again."""
        while not self._ended.is_set():
            try:
                self._follow(self._load())
            except (LakeUnavailable, BrokerUnavailable, NotBuilt, KafkaError) as error:
                log.warning("board_waits", reason=type(error).__name__)
            self.follows = False
            self._says()
            self._ended.wait(_AGAIN_SECONDS)

    def end(self) -> None:
        """Stop following the topic."""
        self._ended.set()
        self.join(timeout=5)

    def alerts(self) -> list[Alert]:
        """Return all alerts on the board. Open alerts come first, and newer alerts come before older ones."""
        now = datetime.now(UTC)
        found = [alert for alert in list(self._alerts.values()) if is_open(alert) or alert.raised_at > now - _KEPT]
        return sorted(found, key=lambda alert: (is_open(alert), alert.raised_at), reverse=True)

    def _load(self) -> dict[tuple[str, int], int]:
        with self._reader.snapshot() as snapshot:
            since = naive(datetime.now(UTC) - _KEPT)
            wanted = [row["alert_id"] for row in snapshot.rows(_WANTED, [since])]
            for alert in latest_alerts(snapshot.lake, wanted) if wanted else []:
                self._take(alert)
            return next_offsets(snapshot.lake)

    def _follow(self, landed: dict[tuple[str, int], int]) -> None:
        client = numbered_consumer(self._settings, [names.ALERTS])
        try:
            for partition in client.assignment():
                client.seek(partition, _place(landed, partition))
            self.follows = True
            self._says()
            while not self._ended.is_set():
                for records in client.poll(timeout_ms=_POLL_MS).values():
                    for record in records:
                        if (alert := alert_of(record.value)) is not None and not alert.test:
                            self._take(alert)
                    self._says()
        finally:
            client.close()

    def _take(self, alert: Alert) -> None:
        known = self._alerts.get(alert.alert_id)
        if known is None or known.version < alert.version:
            self._alerts[alert.alert_id] = alert


def _place(landed: dict[tuple[str, int], int], partition: TopicPartition) -> int:
    return landed.get((partition.topic, partition.partition), 0)
