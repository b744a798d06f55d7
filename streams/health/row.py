"""The state of a part or server, for display."""

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
    The state of one part or server.

    Attributes:
        part: its name.
        state: its state, as `docs/operate.md` lists them.
        level: well, amber or red.
        says: what is wrong, since when, and what to do. Empty if the part is well.
        since: since when it has been in this state.
        waiting: how many records wait for it.
        waiting_seconds: how long the oldest of them has waited.
        rate: records a second over the last minute or more. None if there was no earlier look.
        restarts: how many of its runs failed in the last hour.
        error: the type of its last error.
        error_at: when that error happened.
        address: where it can be reached.
        memory_mb: the memory that it uses, in MB.
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
    """Return a length of time as text for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
