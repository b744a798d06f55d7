"""Send a simulated history to Kafka, as fast as possible or at a chosen speed, or write it to a file."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event

import msgspec
import structlog

from streams.kafka.topics import ensure_topics
from streams.settings import Settings
from streams.simulate.facts import Record
from streams.simulate.sender import Produced, Sender
from streams.simulate.world import World

__all__ = ["Progress", "backfill", "replay_window", "to_file"]

log = structlog.get_logger()

Progress = Callable[[int], None]
"""A function that is called from time to time with the number of records sent so far."""

_EVERY = 2_000


def backfill(settings: Settings, world: World, progress: Progress = lambda _: None) -> Produced:
    """
    Send the history of a world as fast as the broker accepts it. Missing topics are created.

    Raises:
        BrokerUnavailable: no broker answers.
        KafkaError: a record was not acknowledged.
    """
    records = world.records()
    ensure_topics(settings)
    sender = Sender(settings, linger_ms=20, batch_size=262_144)
    for record in records:
        sender.send(record)
        if sender.sent % _EVERY == 0:
            progress(sender.sent)
    produced = sender.close(world.claims)
    log.info("world_backfilled", records=produced.total, seconds=round(produced.elapsed, 2))
    return produced


def replay_window(
    settings: Settings,
    world: World,
    speed_up: float,
    *,
    seconds: float | None = None,
    stop: Event | None = None,
    progress: Progress = lambda _: None,
) -> Produced:
    """
    Send a world `speed_up` times faster than it happened, beginning at the start of its window.

    Sending stops at the end of the world, or after `seconds` if they are given.
    """
    records = world.records()
    ensure_topics(settings)
    sender, stop, began = Sender(settings, linger_ms=0), stop or Event(), time.monotonic()
    for record in records:
        due = max(0.0, (record.at - world.start).total_seconds() / speed_up)
        if seconds is not None and due > seconds:
            break
        if stop.wait(max(0.0, began + due - time.monotonic())):
            break
        sender.send(record)
        progress(sender.sent)
    return sender.close(world.claims)


def to_file(path: Path, world: World, progress: Progress = lambda _: None) -> Produced:
    """
    Write the history to a file of JSON lines. Each line has the `topic`, the `key`, and the event as `value`.

    A value that is not valid JSON is written as a string.
    """
    produced, began = Produced(claims=world.claims), time.monotonic()
    for number, line in enumerate(_write(path, world.records()), 1):
        produced.counts[line, -1] += 1
        if number % _EVERY == 0:
            progress(number)
    produced.elapsed = time.monotonic() - began
    return produced


def _write(path: Path, records: Iterable[Record]) -> Iterable[str]:
    """Write the records, and yield the topic of each."""
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for record in records:
            line = {"topic": record.topic, "key": record.key.decode(), "value": _embedded(record.value)}
            file.write(encoder.encode(line) + b"\n")
            yield record.topic


def _embedded(value: bytes) -> msgspec.Raw | str:
    try:
        msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value.decode()
    return msgspec.Raw(value)
