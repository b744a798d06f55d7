"""Neither additional processes nor another order of records changes the results."""

import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from streams.kafka.client import producer
from streams.settings import Settings
from streams.simulate import Noise, World
from streams.simulate.facts import Record
from tests.oracle.records import Record as Arrived

pytestmark = pytest.mark.long

HALTON = "E06000006"


def days(count: int, noise: Noise) -> list[Record]:
    """The records of some days of a small borough, and of the planted stories, which reach further back."""
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return list(World(6, [HALTON], end - timedelta(days=count), end, stories=1, noise=noise).records())


def send(settings: Settings, records: Iterable[Record]) -> None:
    kafka = producer(settings)
    for record in records:
        kafka.send(record.topic, key=record.key, value=record.value)
    kafka.close()


def test_two_of_each_started_by_mistake_do_no_harm(
    system: Settings, verb: Callable, settled: Callable, versions: Callable, standing: Callable, evaluated: Callable,
    sent: Callable, landed_once: Callable,
) -> None:  # fmt: skip
    """The second processes wait, and take over when the first processes end."""
    records = days(5, Noise(malformed=0.02, duplicates=0.05, corrected=0.03, withdrawn=0.03))
    third = len(records) // 3
    first = [verb("land", "--no-check"), verb("watch")]
    send(system, records[:third])
    settled()
    second = [verb("land", "--no-check"), verb("watch")]
    send(system, records[third : 2 * third])
    settled()
    first_ended = [one.end() for one in first]
    send(system, records[2 * third :])
    settled()
    land, watch = second
    watch_ended, landed, land_ended = watch.end(), landed_once(), land.end()
    said = [(alert.alert_id, alert.version) for alert in versions()]

    assert [*first_ended, watch_ended, land_ended] == [0, 0, 0, 0]
    assert landed
    assert len(said) == len(set(said)) > 0
    assert standing() == evaluated(sent())


def test_shuffled_log_gives_the_same_alerts(
    system: Settings, verb: Callable, settled: Callable, standing: Callable, evaluated: Callable
) -> None:
    """The watcher reads the records in a random order. The compared evaluation has the records in their own order."""
    records, began = days(10, Noise(malformed=0)), int(datetime.now(UTC).timestamp() * 1000)
    shuffled = random.Random(8).sample(records, len(records))
    watch, land = verb("watch"), verb("land", "--no-check")
    for start in range(0, len(shuffled), 200):
        send(system, shuffled[start : start + 200])
        time.sleep(0.5)
    settled()
    watch.end()
    land.end()
    in_order = [
        Arrived(record.topic, 0, number, began + number, record.key, record.value, ())
        for number, record in enumerate(records)
    ]

    assert standing() == evaluated(in_order)
