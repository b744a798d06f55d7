"""
`land`, `watch` and the broker are killed at any time.

Every record is stored once, and the alerts equal those of an undisturbed evaluation.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from kafka import KafkaProducer

from streams.kafka.client import producer
from streams.settings import Settings
from streams.simulate import Noise, World
from streams.stack import broker, processes

VICTIMS = ["land"] * 14 + ["watch"] * 12 + ["kafka"] * 5
LONGEST_PAUSE = 5.0
RECORDS_A_SECOND = 20
HALTON = "E06000006"


class Partner(threading.Thread):
    """
    Sends a month of a small borough's records, even while the broker is down.

    Records are sent at a steady rate until `hurry` is set.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        noise = Noise(malformed=0.02, duplicates=0.05, corrected=0.03, withdrawn=0.03)
        self.records = list(World(5, [HALTON], end - timedelta(days=30), end, stories=1, noise=noise).records())
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


def kill_broker(settings: Settings) -> None:
    """Kill the broker and start it again on the same data."""
    for process in processes.members(settings.home, broker.NAME):
        process.kill()
        process.wait()
    broker.start(settings, say=lambda _: None)


def test_killed_at_any_moment_everything_is_stored_and_published_once(
    system: Settings, verb: Callable, settled: Callable, versions: Callable, standing: Callable, evaluated: Callable,
    sent: Callable, landed_once: Callable,
) -> None:  # fmt: skip
    """There are thirty-one kills while records keep arriving."""
    chance = random.Random(17)
    partner = Partner(system)
    partner.start()
    verbs = {"land": verb("land", "--no-check"), "watch": verb("watch")}
    for victim in chance.sample(VICTIMS, len(VICTIMS)):
        time.sleep(chance.uniform(0.2, LONGEST_PAUSE))
        if victim == broker.NAME:
            kill_broker(system)
        else:
            verbs[victim].kill()
        for one in verbs.values():
            one.revive()
    partner.hurry.set()
    partner.join()
    settled(verbs.values())
    watch_ended, landed, land_ended = verbs["watch"].end(), landed_once(), verbs["land"].end()
    said = [(alert.alert_id, alert.version) for alert in versions()]

    assert partner.acknowledged == len(partner.records)
    assert (watch_ended, land_ended) == (0, 0)
    assert landed
    assert len(said) == len(set(said)) > 0
    assert standing() == evaluated(sent())
