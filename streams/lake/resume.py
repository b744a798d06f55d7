"""Find the offset at which reading continues after the rows that have landed."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing

from kafka import TopicPartition

from streams import names
from streams.kafka.generations import Generations
from streams.kafka.reading import TolerantConsumer
from streams.lake.generations import numbered_consumer
from streams.settings import Settings

__all__ = ["gone_with_their_topic", "where_to_resume"]

Landed = Mapping[tuple[str, int], int]
"""The next offset to land, by topic and partition, for partitions that have rows."""


def where_to_resume(
    settings: Settings,
    kafka: TolerantConsumer,
    generations: Generations,
    landed: Landed,
    partitions: Iterable[TopicPartition],
) -> dict[TopicPartition, int]:
    """
    Return the next offset to read in each partition.

    If Kafka no longer has that offset, the consumer returns the lost records as deleted. Offsets before the
    lander's committed offset do not count as lost, because the lander has read them. They have no rows because they
    were transaction markers or aborted records.
    """
    found = {}
    for place, beginning in kafka.beginning_offsets(list(partitions)).items():
        generation = generations.get(place.topic)
        following = landed.get(
            (place.topic, place.partition), generation.begins(place.partition) if generation else None
        )
        is_read = following is not None and following < beginning <= _read_by_land(settings, place)
        found[place] = beginning if following is None or is_read else following
    return found


def gone_with_their_topic(
    generations: Generations, landed: Landed, partitions: Iterable[TopicPartition]
) -> Iterator[tuple[TopicPartition, int, int]]:
    """Yield partitions that a recreated topic no longer has, each with the range of offsets that can never land."""
    there = set(partitions)
    for topic, generation in generations.items():
        for number, end in enumerate(generation.first_offsets):
            following = landed.get((topic, number), generation.begins(number) or 0)
            if TopicPartition(topic, number) not in there and following < end:
                yield TopicPartition(topic, number), following, end


def _read_by_land(settings: Settings, place: TopicPartition) -> int:
    with closing(numbered_consumer(settings, group_id=names.LAND_GROUP)) as kafka:
        return kafka.committed(place) or 0
