"""The records that wait for a part."""

from dataclasses import dataclass

__all__ = ["Backlog"]


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """
    The number of records that wait for a part, and how long they have waited.

    Attributes:
        records: the number of waiting records.
        seconds: how long the oldest waiting record has waited, in seconds.
        first: the record that has waited longest, as `topic/partition/offset`.
        done: the number of records that the part has processed so far.
    """

    records: int = 0
    seconds: float = 0.0
    first: str = ""
    done: int = 0
