"""Finds the offsets at which a watcher begins to read when it becomes the leader."""

from collections.abc import Callable, Collection
from contextlib import suppress

import duckdb
import structlog
from kafka import TopicPartition

from streams.errors import LakeUnavailable
from streams.kafka.generations import Generations
from streams.kafka.reading import TolerantConsumer
from streams.lake.connect import connect
from streams.lake.offsets import next_offsets, wait_until_landed
from streams.lake.resume import where_to_resume
from streams.settings import Settings
from streams.watch.state.fill import fill
from streams.watch.state.state import State

__all__ = ["begin_reading"]

log = structlog.get_logger()

_LANDER_SECONDS = 5
"""
How many seconds to wait for the lander. The lander may still be storing records that Kafka has already deleted.
"""

Offsets = dict[TopicPartition, int]


def begin_reading(
    settings: Settings,
    consumer: TolerantConsumer,
    state: State,
    partitions: Collection[TopicPartition],
    alive: Callable[[], None],
) -> Offsets:
    """
    Find the offset at which each partition continues. Before that, copy missing records from the lake into the state.

    1. The state contains the next offset of each partition. If a topic has been recreated since the state was written,
       its partitions continue at the first offset of the new generation, or at the stored offset if that is lower
       (`_evaluated`).
    2. If the state is new, it lacks all records. Otherwise it lacks records only if Kafka deleted them before they were
       evaluated. The lander may still be storing such records, so this function waits for the lander for up to five
       seconds. Then it copies the missing records from the lake (`fill`).
    3. Each partition continues after the last record that was evaluated or copied. If Kafka has deleted records after
       that, the consumer returns `deleted_unread` records in their place. There is one exception: if the lander has
       read past the deleted offsets, they held only transaction markers. Then reading begins at the first record that
       Kafka still has (`where_to_resume`).
    4. If a partition ends before the offset that was found, it has lost its newest records, and its offsets are used
       again. Nobody knows which of its records were evaluated, so all its records that Kafka still has are read again.

    Args:
        alive: a function that is called from time to time to show that the watcher is alive.
    """
    generations, beginnings = consumer.generations(), consumer.beginning_offsets(partitions)
    evaluated = _evaluated(state, generations)
    behind = {
        one: evaluated.get(one, 0) for one in partitions if state.is_new or evaluated.get(one, 0) < beginnings[one]
    }
    if behind:
        _wait_for_lander(settings, consumer, generations, {one: beginnings[one] for one in behind}, alive)
        evaluated |= fill(settings, state, behind, alive)
    begin, ends = (
        where_to_resume(settings, consumer, generations, evaluated, partitions),
        consumer.end_offsets(partitions),
    )
    return {place: beginnings[place] if at > ends[place] else at for place, at in begin.items()}


def _evaluated(state: State, generations: Generations) -> Offsets:
    """
    Return, for each partition, the offset up to which its records have been evaluated.

    If the topic has been recreated since the state was written, the result is at most the first offset of the new
    generation.
    """
    evaluated = {}
    for place, (offset, topic_id) in state.known().items():
        generation = generations.get(place.topic)
        if generation is None or generation.topic_id == topic_id:
            evaluated[place] = offset
        else:
            evaluated[place] = min(offset, generation.first(place.partition))
    return evaluated


def _wait_for_lander(
    settings: Settings,
    consumer: TolerantConsumer,
    generations: Generations,
    beginnings: Offsets,
    alive: Callable[[], None],
) -> None:
    """Give the lander time to store records that Kafka has already deleted."""
    with suppress(LakeUnavailable, duckdb.Error), connect(settings, marts=None) as lake:
        begin = where_to_resume(settings, consumer, generations, next_offsets(lake), beginnings)
        behind = {place: first for place, first in beginnings.items() if begin[place] < first}
        for _ in range(_LANDER_SECONDS if behind else 0):
            if wait_until_landed(lake, behind, 1):
                break
            alive()
