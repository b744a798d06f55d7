"""The watermark: the offsets and time up to which everything has been evaluated and sent. The heartbeat carries it."""

import os
import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic

import msgspec
from kafka import TopicPartition

from streams.alerts.publisher import Publisher
from streams.contracts.outputs import Heartbeat

__all__ = ["Watermark"]


class Watermark:
    """
    The offsets and time up to which everything has been evaluated and sent.

    Args:
        last: the last heartbeat that any watcher published. If there is none, no heartbeat is published until the
            watermark moves.
        seconds: seconds between two heartbeats.
        alive: a function that is called whenever a heartbeat may be due.
    """

    def __init__(
        self, publisher: Publisher, last: Heartbeat | None, seconds: float, *, alive: Callable[[], None]
    ) -> None:
        self._publisher, self._seconds, self._next, self._alive = publisher, seconds, 0.0, alive
        self._leader = f"{socket.gethostname()}-{os.getpid()}"
        self._said = last and msgspec.structs.replace(last, leader=self._leader)

    @property
    def as_of(self) -> datetime | None:
        """The time up to which deadlines have been evaluated."""
        return None if self._said is None else self._said.as_of

    def evaluated(self, place: TopicPartition) -> int:
        """Return the offset up to which a partition has been evaluated, or 0 if the watermark has no such partition."""
        offsets = self._said.offsets.get(place.topic, []) if self._said else []
        return offsets[place.partition] if place.partition < len(offsets) else 0

    def move(
        self, as_of: datetime, offsets: Mapping[TopicPartition, int], topic_ids: dict[str, str], *, is_reporting: bool
    ) -> None:
        """
        Set the watermark, after everything up to these offsets and this time has been evaluated and sent.

        Args:
            offsets: the offset of each partition. The partitions of a topic must be in order.
            is_reporting: whether some unreadable records before these offsets have no alert yet.
        """
        by_topic: dict[str, list[int]] = {}
        for partition, offset in offsets.items():
            by_topic.setdefault(partition.topic, []).append(offset)
        self._said = Heartbeat(
            leader=self._leader, as_of=as_of, offsets=by_topic, topic_ids=topic_ids, is_reporting=is_reporting
        )

    def say(self, *, now: bool = False) -> None:
        """Publish the heartbeat if it is due. If `now` is true, publish it even if it is not due."""
        self._alive()
        if self._said is not None and (now or monotonic() >= self._next):
            self._publisher.heartbeat(self._said)
            self._next = monotonic() + self._seconds

    def seconds_left(self) -> float:
        """Return the seconds until the next heartbeat is due."""
        return self._next - monotonic()
