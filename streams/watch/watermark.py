"""The watermark: up to where everything has been evaluated and sent. The heartbeat publishes it again and again."""

import os
import socket
from collections.abc import Mapping
from datetime import datetime
from time import monotonic

import msgspec
from kafka import TopicPartition

from streams.alerts.publisher import Publisher
from streams.contracts.outputs import Heartbeat

__all__ = ["Watermark"]


class Watermark:
    """
    Up to where everything has been evaluated.

    Args:
        last: the last watcher's heartbeat. Without one, nothing is published until the watermark moves.
        seconds: time between two heartbeats.
    """

    def __init__(self, publisher: Publisher, last: Heartbeat | None, seconds: float) -> None:
        self._publisher, self._seconds, self._next = publisher, seconds, 0.0
        self._leader = f"{socket.gethostname()}-{os.getpid()}"
        self._said = last and msgspec.structs.replace(last, leader=self._leader)

    @property
    def as_of(self) -> datetime | None:
        """Up to when deadlines have been evaluated."""
        return None if self._said is None else self._said.as_of

    def evaluated(self, place: TopicPartition) -> int:
        """Up to which offset a partition has been evaluated; 0 if no heartbeat names it."""
        offsets = self._said.offsets.get(place.topic, []) if self._said else []
        return offsets[place.partition] if place.partition < len(offsets) else 0

    def move(self, as_of: datetime, offsets: Mapping[TopicPartition, int], topic_ids: dict[str, str]) -> None:
        """
        Set the watermark: everything up to here has been evaluated and sent.

        Args:
            offsets: all partitions of each topic, in order.
        """
        by_topic: dict[str, list[int]] = {}
        for partition, offset in offsets.items():
            by_topic.setdefault(partition.topic, []).append(offset)
        self._said = Heartbeat(leader=self._leader, as_of=as_of, offsets=by_topic, topic_ids=topic_ids)

    def say(self, *, now: bool = False) -> None:
        """Publish the heartbeat if it is time, or in any case with `now`."""
        if self._said is not None and (now or monotonic() >= self._next):
            self._publisher.heartbeat(self._said)
            self._next = monotonic() + self._seconds

    def seconds_left(self) -> float:
        """Seconds until the next heartbeat is due."""
        return self._next - monotonic()
