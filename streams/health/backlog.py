"""What waits for a part."""

from dataclasses import dataclass

__all__ = ["Backlog"]


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """
    Records that wait, for how long the oldest of them has, and how many are done.

    `first` names the one that waits longest: `topic/partition/offset`.
    """

    records: int = 0
    seconds: float = 0.0
    first: str = ""
    done: int = 0
