"""Where a term of the watcher begins to read, and to judge."""

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
"""How long the lander may take to land what it has read, and Kafka has no more."""

Offsets = dict[TopicPartition, int]


def begin_reading(
    settings: Settings,
    consumer: TolerantConsumer,
    state: State,
    partitions: Collection[TopicPartition],
    alive: Callable[[], None],
) -> Offsets:
    """
    The offset from which each partition is judged: that of the state, after it has taken from the lake what it lacks.

    The lake is asked for all of it when the state is new, and for what Kafka has deleted before it was judged. A topic
    that has lost its end is read anew: nobody knows what has been judged of it.

    Args:
        alive: called now and then.
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
    """Up to where the state has judged; what came after that to a topic which was made again since is numbered on."""
    evaluated = {}
    for place, (offset, topic_id) in state.known().items():
        generation = generations.get(place.topic)
        is_of_another = generation is not None and generation.topic_id != topic_id
        evaluated[place] = min(offset, generation.first(place.partition)) if is_of_another else offset
    return evaluated


def _wait_for_lander(
    settings: Settings,
    consumer: TolerantConsumer,
    generations: Generations,
    beginnings: Offsets,
    alive: Callable[[], None],
) -> None:
    """What Kafka has deleted may be on its way into the lake, and is not lost then."""
    with suppress(LakeUnavailable, duckdb.Error), connect(settings, marts=None) as lake:
        begin = where_to_resume(settings, consumer, generations, next_offsets(lake), beginnings)
        behind = {place: first for place, first in beginnings.items() if begin[place] < first}
        for _ in range(_LANDER_SECONDS if behind else 0):
            if wait_until_landed(lake, behind, 1):
                break
            alive()
