"""Where a term of the watcher begins to read, and to judge."""

from collections.abc import Callable, Collection
from contextlib import suppress

import duckdb
from kafka import TopicPartition

from streams.contracts.outputs import Heartbeat
from streams.errors import LakeUnavailable
from streams.kafka.reading import TolerantConsumer
from streams.lake.connect import connect
from streams.lake.going_on import going_on
from streams.lake.offsets import next_offsets, wait_until_landed
from streams.settings import Settings
from streams.watch.restore import Offsets, input_offsets

__all__ = ["begin_reading", "judged_before", "wait_for_lander"]

_LANDER_SECONDS = 5
"""How long the lander may take to land what it has read, and Kafka has no more."""


def judged_before(consumer: TolerantConsumer, heartbeat: Heartbeat, partitions: Collection[TopicPartition]) -> Offsets:
    """Up to where earlier watchers have judged; of a topic that has lost its end nobody knows what they have."""
    ends, lives = consumer.end_offsets(partitions), consumer.lives()
    judged = {place: offset for place, offset in input_offsets(heartbeat).items() if place in ends}
    for place, offset in judged.items():
        life = lives.get(place.topic)
        if life is not None and heartbeat.topic_ids.get(place.topic, life.topic_id) != life.topic_id:
            judged[place] = min(offset, life.first(place.partition))
        elif offset > ends[place]:
            judged[place] = 0
    return judged


def wait_for_lander(
    settings: Settings, consumer: TolerantConsumer, partitions: Collection[TopicPartition], alive: Callable[[], None]
) -> None:
    """What Kafka has deleted may be on its way into the lake, and is not lost then; `alive` is called meanwhile."""
    with suppress(LakeUnavailable, duckdb.Error), connect(settings, marts=None) as lake:
        begin = going_on(settings, consumer, consumer.lives(), next_offsets(lake), partitions)
        beginnings = consumer.beginning_offsets(partitions)
        behind = {place: first for place, first in beginnings.items() if begin[place] < first}
        for _ in range(_LANDER_SECONDS if behind else 0):
            if wait_until_landed(lake, behind, 1):
                break
            alive()


def begin_reading(
    settings: Settings, consumer: TolerantConsumer, landed: Offsets, partitions: Collection[TopicPartition]
) -> Offsets:
    """The next offset of each partition after what has landed; a topic that has lost its end is read anew."""
    begin = going_on(settings, consumer, consumer.lives(), landed, partitions)
    beginnings, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    return {place: beginnings[place] if at > ends[place] else at for place, at in begin.items()}
