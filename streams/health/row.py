"""The state of a part or server, in the form in which it is shown."""

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
        part: the name of the part or server.
        state: its state, as listed in `docs/operate.md`.
        level: well, amber or red.
        says: what is wrong, since when, and what to do. Empty if nothing is wrong.
        since: since when the part has been in this state.
        waiting: the number of records that wait for the part.
        waiting_seconds: how long the oldest waiting record has waited, in seconds.
        rate: processed records per second over the last minute or longer. None if there was no earlier check.
        restarts: the number of the part's runs that failed in the last hour.
        error: the type of the part's last error.
        error_at: when that error happened.
        address: the address where the part can be reached.
        memory_mb: the memory that the part uses, in MB.
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
