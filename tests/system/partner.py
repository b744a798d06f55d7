"""A partner that sends records all the time."""

import threading
from datetime import UTC, datetime, timedelta

from kafka import KafkaProducer

from streams.kafka.client import producer
from streams.settings import Settings
from streams.simulate import Noise, World

__all__ = ["Partner"]

RECORDS_A_SECOND = 20
HALTON = "E06000006"


class Partner(threading.Thread):
    """
    Sends the records of a small borough's last days, even while the broker is down.

    Records are sent at a steady rate until `hurry` is set.
    """

    def __init__(self, settings: Settings, days: int = 30) -> None:
        super().__init__(daemon=True)
        end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        noise = Noise(malformed=0.02, duplicates=0.05, corrected=0.03, withdrawn=0.03)
        self.records = list(World(5, [HALTON], end - timedelta(days=days), end, stories=1, noise=noise).records())
        self.hurry = threading.Event()
        self.acknowledged = 0
        self._kafka: KafkaProducer = producer(settings)

    def run(self) -> None:
        futures = []
        for record in self.records:
            futures.append(self._kafka.send(record.topic, key=record.key, value=record.value))
            self.hurry.wait(1 / RECORDS_A_SECOND)
        for future in futures:
            future.get(timeout=120)
            self.acknowledged += 1
        self._kafka.close()
