"""Finds the offsets at which a term of the watcher begins to read and to evaluate."""

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
"""How many seconds to wait for the lander to land records that it has read and that Kafka has deleted."""

Offsets = dict[TopicPartition, int]


def begin_reading(
    settings: Settings,
    consumer: TolerantConsumer,
    state: State,
    partitions: Collection[TopicPartition],
    alive: Callable[[], None],
) -> Offsets:
    """
    Find the offset at which each partition continues, after filling gaps in the state from the lake.

    1. The state has the next offset of each partition. If the topic has been recreated since, the partition continues
       at the new generation's first offset or earlier (`_evaluated`).
    2. The state lacks records in two cases. A new state lacks all records. Any other state lacks the records that Kafka
       deleted before they were evaluated. The lander may still be landing deleted records, so this function waits up to
       five seconds for the lander. Then the function copies the missing records from the lake (`fill`).
    3. Each partition continues after the records that were evaluated or copied. If Kafka has deleted records after that
       offset, the consumer returns `deleted_unread` records in their place. But if the lander has read past the deleted
       offsets, they were only transaction markers, and reading begins at the first record that Kafka still has
       (`where_to_resume`).
    4. If a topic ends before the offset found in this way, it has lost records at its end. Nobody knows which of its
       records were evaluated, so all its records in Kafka are read again.

    Args:
        alive: called now and then, to show that the watcher is alive.
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
    Return the offsets up to which the state has evaluated each partition.

    If a topic has been recreated since then, its partitions count as evaluated at most up to the first offset of the
    new generation.
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
    """Wait for records that Kafka has deleted, because the lander may still be landing them."""
    with suppress(LakeUnavailable, duckdb.Error), connect(settings, marts=None) as lake:
        begin = where_to_resume(settings, consumer, generations, next_offsets(lake), beginnings)
        behind = {place: first for place, first in beginnings.items() if begin[place] < first}
        for _ in range(_LANDER_SECONDS if behind else 0):
            if wait_until_landed(lake, behind, 1):
                break
            alive()
