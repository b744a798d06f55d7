"""The records that wait for a part."""

from dataclasses import dataclass

__all__ = ["Backlog"]


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """
    How many records wait for a part, and for how long.

    Attributes:
        records: how many records wait.
        seconds: how long the oldest of them has waited.
        first: the record that has waited longest, as `topic/partition/offset`.
        done: how many records the part has worked on.
    """

    records: int = 0
    seconds: float = 0.0
    first: str = ""
    done: int = 0
