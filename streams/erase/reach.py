"""
How far an approval reaches.

An erasure may be interrupted, and be repeated days later. Meanwhile, records about the same ids may have arrived, for
example a new report. Nobody has approved that they go. So before an erasure deletes anything, it notes what has
arrived. When it is repeated, it goes no further. An erasure that the retention schedule asks for covers only what had
landed when the schedule looked.
"""

from collections.abc import Callable
from contextlib import closing

import duckdb
import msgspec

from streams.erase.readers import unlanded_topics
from streams.kafka.client import consumer, partitions_of
from streams.kafka.records import Readable
from streams.lake.connect import connect
from streams.lake.offsets import next_offsets
from streams.settings import Settings

__all__ = ["Reach", "landed_ends", "later_records", "present_reach"]


class Reach(msgspec.Struct, frozen=True):
    """
    What had arrived when an approved erasure began.

    Attributes:
        landed: the end of each partition that lands, in the lake's numbers, by `topic/partition`.
        unlanded: the end of each partition of other topics, in Kafka's numbers. Instead of its name, a topic has the id
            that Kafka gave it. So everything on a topic that was recreated has arrived later.
    """

    landed: dict[str, int]
    unlanded: dict[str, int]

    def covers(self, topic: str, partition: int, offset: int) -> bool:
        """Return whether a landed record had arrived."""
        return offset < self.landed.get(f"{topic}/{partition}", 0)


def present_reach(settings: Settings) -> Reach:
    """Return what has arrived now. Whatever lands later does not count."""
    with closing(consumer(settings)) as kafka:
        topics = unlanded_topics(kafka)
        ids, ends = kafka.asked_topic_ids(topics), kafka.end_offsets(partitions_of(kafka, topics))
    with connect(settings, marts=None) as lake:
        landed = landed_ends(lake)
    return Reach(
        landed,
        {f"{ids[place.topic]}/{place.partition}": end for place, end in ends.items() if place.topic in ids},
    )


def landed_ends(lake: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the end of each landed partition, in the lake's numbers, by `topic/partition`."""
    return {f"{topic}/{partition}": end for (topic, partition), end in next_offsets(lake).items()}


def later_records(settings: Settings, reach: Reach | None) -> Callable[[Readable], bool]:
    """Return a function that says whether a record of a topic that does not land is beyond a reach."""
    if reach is None:
        return lambda _: False
    ends = reach.unlanded
    with closing(consumer(settings)) as kafka:
        ids = kafka.asked_topic_ids(unlanded_topics(kafka))
    return lambda record: record.offset >= ends.get(f"{ids.get(record.topic)}/{record.partition}", 0)
