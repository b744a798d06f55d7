"""
Measure the lowest possible latency: the latency of a process that only forwards records.

The process sends records as durably as the watcher publishes alerts. It is `python -m streams.bench.echo`, and runs
until SIGTERM.
"""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from kafka import KafkaProducer

from streams.errors import WatchSilent
from streams.kafka.client import admin, consumer, producer
from streams.kafka.drain import polled
from streams.settings import Settings
from streams.stack import processes, stack
from streams.stack.processes import Say
from streams.stack.stack import Service

__all__ = ["floor"]

_IN, _OUT = "bench.in", "bench.out"
_SECONDS = 10
_PATIENCE_SECONDS = 60
_SERVICE = Service(name="echo", command=(sys.executable, "-m", "streams.bench.echo"))


def floor(settings: Settings, rate: int, say: Say) -> list[float]:
    """
    Measure the seconds from producing each record to reading its echo. Use the same rate and broker as for alerts.

    Raises:
        WatchSilent: no echo was read.
    """
    with closing(admin(settings)) as client:
        client.create_topics({name: {"num_partitions": settings.partitions} for name in (_IN, _OUT)})
        client.wait_for_topics([_IN, _OUT])
    stack.up(settings, (_SERVICE,), say=say)
    try:
        with _listening(settings) as echoes, closing(producer(settings)) as client:
            _wait_for_first(client, echoes)
            sent: dict[str, float] = {}
            start = time.monotonic()
            for number in range(rate * _SECONDS):
                time.sleep(max(0, start + number / rate - time.monotonic()))
                sent[f"{number}"] = time.monotonic()
                client.send(_IN, key=f"F-{number}".encode(), value=f"{number}".encode())
            time.sleep(1)
            return [echoes[name] - at for name, at in sent.items() if name in echoes]
    finally:
        processes.stop(settings.home, _SERVICE.name)


def _wait_for_first(client: KafkaProducer, echoes: dict[str, float]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not echoes:
        client.send(_IN, key=b"first", value=b"first")
        time.sleep(0.2)
        if time.monotonic() > until:
            raise WatchSilent(
                f"no record came back within {_PATIENCE_SECONDS} s from a process that forwards what it reads"
            )


@contextmanager
def _listening(settings: Settings) -> Iterator[dict[str, float]]:
    """Listen for echoes in a thread. Yield a dictionary with the time at which each value's echo was first read."""
    echoes: dict[str, float] = {}
    stop = threading.Event()

    def listen() -> None:
        with closing(consumer(settings, [_OUT])) as reader:
            while not stop.is_set():
                for record in polled(reader):
                    assert record.value is not None
                    echoes.setdefault(record.value.decode(), time.monotonic())

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield echoes
    finally:
        stop.set()
        thread.join()


def _echo(settings: Settings) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    with closing(consumer(settings, [_IN])) as reader, closing(producer(settings, linger_ms=0)) as client:
        while not stopping.is_set():
            for record in polled(reader):
                client.send(_OUT, key=record.key, value=record.value)
            client.flush()


if __name__ == "__main__":
    _echo(Settings.from_env())
