"""
The lives of a topic: deleted and made again, it has its name but another id (KIP-516), and its offsets begin again.

The lake names a record by topic, partition and offset, for ever. So the records of a later life are numbered on from
where those before end.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

__all__ = ["Generation", "Generations", "recreated"]


class Generation(NamedTuple):
    """One topic of its name: Kafka's id, and by partition the number of its offset 0 (without one it is 0)."""

    topic_id: str
    first_offsets: tuple[int, ...] = ()
    from_offsets: tuple[int, ...] | None = ()
    """By partition the number from which on its name was landed; without one 0, and None where it is not known."""
    number: int = 1
    known_at: datetime | None = None
    confirmed_at: datetime | None = None

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it was made again, and no person has said that this is known."""
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
"""The newest life of each topic, by its name."""


def recreated(generations: Generations, ids: Mapping[str, str]) -> list[str]:
    """Topics that have another id than in the life that is known of them."""
    return sorted(topic for topic, id_ in ids.items() if topic in generations and generations[topic].topic_id != id_)
