"""What the compacted topic holds: every alert that stands, and for a while those that have ended."""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from streams import names
from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer
from streams.settings import Settings
from streams.watch.alert_book import AlertBook
from streams.watch.publish import Publisher, alert_of
from streams.watch.restore import until

__all__ = ["CurrentAlerts"]

log = structlog.get_logger()


class CurrentAlerts:
    """
    Takes alerts off the compacted topic some days after they ended, and mends what a crash left out of step.

    A new subscriber so reads what stands today, and who was away for a weekend still reads how things ended.
    """

    def __init__(self, settings: Settings, book: AlertBook, publisher: Publisher) -> None:
        self._settings = settings
        self._book = book
        self._publisher = publisher
        self._kept = timedelta(days=settings.ended_alert_days)
        self._ended: list[tuple[datetime, str]] = []

    def restore(self, now: datetime) -> None:
        """Compare the topic with the book: send what it lacks, and take off what ended long ago."""
        held = self._held()
        lacking = []
        for alert in self._book.alerts():
            is_over = self._is_over(alert, now)
            if not (is_over or alert.test) and alert.version > held.get(alert.alert_id, 0):
                lacking.append(alert)
            if alert.alert_id in held or not is_over:
                self.note(alert)
        if lacking:
            self._publisher.current(lacking)
        log.info("current_alerts_restored", sent=len(lacking), retired=self.retire(now))

    def record(self, alert: Alert) -> None:
        """Remember a version that has been published, in the book, too."""
        if self._book.record(alert):
            self.note(alert)

    def note(self, alert: Alert) -> None:
        """Remember a version that the book has."""
        if alert.status != AlertStatus.OPEN and not alert.test:
            heapq.heappush(self._ended, (alert.raised_at + self._kept, alert.alert_id))

    def retire(self, now: datetime) -> int:
        """Take off what ended long enough ago; returns how many."""
        over = list(self._over(now))
        if over:
            self._publisher.retire(over)
        return len(over)

    def _over(self, now: datetime) -> Iterator[str]:
        while self._ended and self._ended[0][0] <= now:
            _, alert_id = heapq.heappop(self._ended)
            latest = self._book.latest(alert_id)
            # It may have opened again, or have said something more since it ended.
            if latest is not None and self._is_over(latest, now):
                yield alert_id

    def _is_over(self, alert: Alert, now: datetime) -> bool:
        return alert.status != AlertStatus.OPEN and alert.raised_at + self._kept <= now

    def _held(self) -> dict[str, int]:
        """The version of each alert that the topic holds."""
        reader = consumer(self._settings, [names.ALERTS_CURRENT], max_poll_records=5_000)
        held: dict[str, int] = {}
        try:
            for record in until(reader, reader.end_offsets(reader.assignment())):
                if record.key is None:
                    continue  # nobody can read it
                alert_id = record.key.decode()
                alert = alert_of(record.value)
                if alert is None:
                    held.pop(alert_id, None)
                else:
                    held[alert_id] = alert.version
        finally:
            reader.close()
        return held
