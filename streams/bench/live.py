"""Send live events at a steady rate, and record when another process reads the alerts that they raise."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from statistics import quantiles

from streams.alerts.follow import follow
from streams.bench.alert_load import Load
from streams.kafka.client import producer
from streams.settings import Settings

__all__ = ["Latencies", "latencies", "listening", "send_live"]

_DRAIN_SECONDS = 5
_SETTLE_SECONDS = 2


@dataclass(frozen=True)
class Latencies:
    """Milliseconds from producing an event to reading its result."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


def latencies(seconds: Sequence[float]) -> Latencies | None:
    """Compute the percentiles of latencies. Return None for fewer than two values."""
    if len(seconds) < 2:
        return None
    cuts = quantiles(seconds, n=100, method="inclusive")
    return Latencies(len(seconds), *(round(1000 * one, 1) for one in (cuts[49], cuts[94], cuts[98], max(seconds))))


@contextmanager
def listening(settings: Settings) -> Iterator[dict[str, tuple[float, str]]]:
    """Listen for alerts in a thread. Yield a dictionary with the time and severity of each anchor's first alert."""
    received: dict[str, tuple[float, str]] = {}
    stop = threading.Event()

    def listen() -> None:
        for alert, _ in follow(settings, history=False, until=stop.is_set):
            received.setdefault(alert.anchor_id, (time.monotonic(), str(alert.severity)))

    thread = threading.Thread(target=listen)
    thread.start()
    time.sleep(_SETTLE_SECONDS)
    try:
        yield received
    finally:
        stop.set()
        thread.join()


def send_live(
    settings: Settings, load: Load, rate: int, seconds: int
) -> tuple[dict[str, float], dict[str, tuple[float, str]]]:
    """Send live events. Return when each event was sent, and the time and severity of the first alert about it."""
    sent: dict[str, float] = {}
    with listening(settings) as received, closing(producer(settings)) as client:
        start = time.monotonic()
        for number in range(rate * seconds):
            time.sleep(max(0, start + number / rate - time.monotonic()))
            event_id, (topic, key, value) = load.live()
            sent[event_id] = time.monotonic()
            client.send(topic, key=key, value=value)
        client.flush()
        time.sleep(_DRAIN_SECONDS)
    return sent, received
