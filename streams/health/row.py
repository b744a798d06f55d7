"""How a part or server is, for whoever shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Level", "Row", "State", "spell"]

Level = Literal["well", "amber", "red"]
State = Literal[
    "running",
    "idle",
    "starting",
    "catching up",
    "held",
    "paused",
    "in trouble",
    "not running",
    "standing still",
    "restart loop",
    "falling behind",
    "failed",
    "does not answer",
]


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    How one part is.

    `says` is empty for a part that is well; else a sentence that names what is wrong, since when, and what to do.
    `rate` is in records a second over the last minute or more, None if nobody has looked before.
    `error` is the type of the last error, `restarts` the runs of the last hour that failed.
    """

    part: str
    state: State
    level: Level = "well"
    says: str = ""
    since: datetime | None = None
    waiting: int | None = None
    waiting_seconds: float | None = None
    rate: float | None = None
    restarts: int = 0
    error: str = ""
    error_at: datetime | None = None
    address: str = ""
    memory_mb: float = 0.0


def spell(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
