"""
Generations of a topic.

A recreated topic has its old name, another id (KIP-516), and offsets that begin at 0 again. But the lake names a record
by topic, partition and offset for ever. So the records of a later generation get numbers that continue after those of
the earlier one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

__all__ = ["Generation", "Generations", "recreated"]


class Generation(NamedTuple):
    """One generation of a topic: Kafka's id, and for each partition the number of its offset 0 (0 if not given)."""

    topic_id: str
    first_offsets: tuple[int, ...] = ()
    from_offsets: tuple[int, ...] | None = ()
    """For each partition, the number from which on its records were landed: 0 if not given, None if unknown."""
    number: int = 1
    known_at: datetime | None = None
    confirmed_at: datetime | None = None

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the topic was recreated and no person has confirmed that this is known."""
        return self.number > 1 and self.confirmed_at is None

    def first(self, partition: int) -> int:
        """The number of a partition's offset 0."""
        return self.first_offsets[partition] if partition < len(self.first_offsets) else 0

    def begins(self, partition: int) -> int | None:
        """The number from which on a partition's records belong in the lake; None if that is not known."""
        if self.from_offsets is None:
            return None
        return self.from_offsets[partition] if partition < len(self.from_offsets) else 0


Generations = Mapping[str, Generation]
"""The newest generation of each topic, by its name."""


def recreated(generations: Generations, ids: Mapping[str, str]) -> list[str]:
    """Topics whose id differs from that of their newest known generation."""
    return sorted(topic for topic, id_ in ids.items() if topic in generations and generations[topic].topic_id != id_)
