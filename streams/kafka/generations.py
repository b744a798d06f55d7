"""
Generations of a topic, and the numbers of the records in each generation.

A recreated topic has the same name and another id (KIP-516), and its offsets begin at 0 again. In the lake, however, a
record is always identified by its topic, partition and offset. So the records of a later generation get numbers that
continue after the numbers of the earlier generation.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

__all__ = ["Generation", "Generations", "recreated"]


class Generation(NamedTuple):
    """
    One generation of a topic.

    `topic_id` is Kafka's id. `first_offsets` holds, for each partition, the number that Kafka's offset 0 gets. For a
    partition that is not listed, the number is 0.
    """

    topic_id: str
    first_offsets: tuple[int, ...] = ()
    from_offsets: tuple[int, ...] | None = ()
    """
    For each partition, the number of the first record that belongs in the lake. If a partition is not listed, this
    number is 0. If the whole value is None, the numbers are not known.
    """
    number: int = 1
    known_at: datetime | None = None
    confirmed_at: datetime | None = None

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the topic was recreated and no person has confirmed the recreation yet."""
        return self.number > 1 and self.confirmed_at is None

    def first(self, partition: int) -> int:
        """Return the number that offset 0 of a partition gets."""
        return self.first_offsets[partition] if partition < len(self.first_offsets) else 0

    def begins(self, partition: int) -> int | None:
        """Return the number of a partition's first record that belongs in the lake; None if it is not known."""
        if self.from_offsets is None:
            return None
        return self.from_offsets[partition] if partition < len(self.from_offsets) else 0


Generations = Mapping[str, Generation]
"""The newest generation of each topic, by topic name."""


def recreated(generations: Generations, ids: Mapping[str, str]) -> list[str]:
    """Return the topics whose id differs from the id of their newest known generation."""
    return sorted(topic for topic, id_ in ids.items() if topic in generations and generations[topic].topic_id != id_)
