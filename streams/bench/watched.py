"""A watcher for a bench: send records to it, see how far it has evaluated them, and measure its memory."""

from collections.abc import Mapping
from contextlib import closing

import psutil
from kafka import TopicPartition

from streams import names
from streams.bench.alert_load import Load
from streams.bench.restart import WATCH
from streams.errors import WatchSilent
from streams.kafka.client import end_offsets, producer
from streams.kafka.heartbeat import last_heartbeat
from streams.settings import Settings
from streams.stack import processes
from streams.times import wait_for

__all__ = ["behind", "evaluated", "is_reporting", "records_left", "send_history", "wait_until_evaluated", "watch_mb"]

_PATIENCE_SECONDS = 900


def send_history(settings: Settings, load: Load) -> None:
    """Send a load's history to the topics."""
    with closing(producer(settings, linger_ms=20)) as client:
        for topic, key, value in load.history():
            client.send(topic, key=key, value=value)
        client.flush()


def evaluated(settings: Settings) -> dict[TopicPartition, int]:
    """Read from the last heartbeat how far the watcher has evaluated each input partition."""
    found = last_heartbeat(settings)
    offsets = found[0].offsets if found else {}
    return {
        TopicPartition(topic, number): offset
        for topic in names.INPUT_TOPICS
        for number, offset in enumerate(offsets.get(topic, ()))
    }


def is_reporting(settings: Settings) -> bool:
    """Read from the last heartbeat whether unreadable records are still waiting for their alerts."""
    found = last_heartbeat(settings)
    return found is not None and found[0].is_reporting


def behind(settings: Settings) -> int:
    """Count the records that the watcher has not evaluated yet, according to its last heartbeat."""
    return records_left(end_offsets(settings, names.INPUT_TOPICS), evaluated(settings))


def records_left(ends: Mapping[tuple[str, int], int], reached: Mapping[tuple[str, int], int]) -> int:
    """Count the records from the offset reached to the end of each partition, in all partitions together."""
    return sum(max(0, end - reached.get(place, 0)) for place, end in ends.items())


def wait_until_evaluated(settings: Settings) -> None:
    """
    Wait until the watcher has evaluated everything on the input topics.

    Raises:
        WatchSilent: the watcher did not finish in time.
    """
    if not wait_for(lambda: not behind(settings), _PATIENCE_SECONDS, every=0.2):
        raise WatchSilent(f"the watcher did not evaluate the history within {_PATIENCE_SECONDS} s")


def watch_mb(settings: Settings) -> float:
    """Measure the memory, in MB, of the watcher that runs as a part of the home."""
    found = processes.find(settings.home, WATCH.name)
    assert found is not None
    return round(psutil.Process(found.pid).memory_info().rss / 1e6, 1)
