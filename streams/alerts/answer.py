"""Waits for the next version of one alert."""

import time

from streams import names
from streams.alerts.publisher import alert_of
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer
from streams.kafka.drain import polled, skip_to_end
from streams.settings import Settings

__all__ = ["Answer"]

_POLL_MS = 200


class Answer:
    """Waits for the alert version that results from an event. Create this object before sending the event."""

    def __init__(self, settings: Settings, alert_id: str) -> None:
        self._alert_id = alert_id
        self._reader = consumer(settings, [names.ALERTS], fetch_max_wait_ms=100)
        skip_to_end(self._reader)

    def wait(self, seconds: float) -> Alert | None:
        """Return the next version of the alert, or None if none came in time."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            for record in polled(self._reader, _POLL_MS):
                found = alert_of(record.value)
                if found is not None and found.alert_id == self._alert_id:
                    return found
        return None

    def close(self) -> None:
        """Disconnect from the broker."""
        self._reader.close()
